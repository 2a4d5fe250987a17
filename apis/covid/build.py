"""One build of what the API reads, inside one transaction."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any

import msgspec
from psycopg import ClientCursor, Connection

from apis.covid.choices import find_choices
from apis.covid.definitions import SCOPES, TABLES, Scope, read_definitions
from apis.covid.documents import (
    PublishedField,
    SumCheck,
    describe_field,
    list_changes,
    note_field,
)
from apis.covid.lifecycle import Field, Lifecycle, Stage
from apis.covid.packing import pack
from apis.covid.templates import FORMS, Form, RowTemplate, read_figures, write_head
from project.queries import read_sql

FOLDER = Path(__file__).parent / "sql"
COMPUTE = read_sql(FOLDER / "compute.sql")
DAYS = read_sql(FOLDER / "days.sql")
FREEZE_PUBLISHED = read_sql(FOLDER / "freeze_published.sql")
INTEGER_COLUMNS = read_sql(FOLDER / "integer_columns.sql")
NAME_VALUES = read_sql(FOLDER / "name_values.sql")
STATES = read_sql(FOLDER / "states.sql")
TOTALS = read_sql(FOLDER / "totals.sql")

# Memory for sorting half a million figures; the default would go to disk.
WORK_MEMORY = "64MB"
ROWS_AT_A_TIME = 1200

Row = tuple[str, date, datetime, int | None, str | None]
DayRow = tuple[str, date, datetime, str, str]
PackedRow = tuple[str, date, int, int, bytes]


@dataclass(frozen=True)
class Written:
    """One day's rows, ready to be stored."""

    days: list[DayRow]
    packed: list[PackedRow]


class Build:
    """What is published at a moment, computed and written by the caller's transaction."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._lifecycle = Lifecycle(read_definitions(connection), now)
        self._columns = _read_columns(connection)

    def write(self) -> int:
        """Replace everything the API reads; return how many days of areas there are."""
        connection = self._connection
        connection.execute("SELECT set_config('work_mem', %s, true)", [WORK_MEMORY])
        before = _read_stages(connection)
        self._compute()
        self._keep_frozen(before)
        connection.execute("DELETE FROM reports.covid_values")
        self._freeze_unpublished(before)
        kept = {
            stage: [f.name for f in self._series() if f.stage is stage]
            for stage in (Stage.FROZEN, Stage.ZEROED)
        }
        updated = [field for field in self._series() if field.is_updated]
        self._name_values(updated, kept[Stage.FROZEN], kept[Stage.ZEROED])
        rows = self._write_days()
        self._write_states()
        self._write_documents()
        return rows

    def scopes_of(self, field: Field) -> list[Scope]:
        """Return where a field is published, if it is: where its column is."""
        definition = field.definition
        return [
            scope
            for scope in SCOPES
            if definition.is_for(scope)
            and (
                definition.source_column in self._columns[scope]
                if definition.source_column
                else scope == "states"
            )
        ]

    def _published(self, scope: Scope | None = None) -> list[Field]:
        return [
            field
            for field in self._lifecycle.fields
            if field.is_published and (scope is None or scope in self.scopes_of(field))
        ]

    def _series(self) -> list[Field]:
        return [field for field in self._published() if field.definition.source_column]

    def _compute(self) -> None:
        sources: dict[str, list[str]] = {
            scope: sorted(
                {
                    str(field.definition.source_column)
                    for field in self._series()
                    if scope in self.scopes_of(field)
                }
            )
            for scope in SCOPES
        }
        ClientCursor(self._connection).execute(COMPUTE, sources)

    def _keep_frozen(self, before: dict[str, str]) -> None:
        """Put aside, as they are published now, the figures of names that are to be kept so."""
        kept = [field.name for field in self._series() if not field.is_updated]
        published = {Stage.LIVE.name.lower(), Stage.REPLACED.name.lower()}
        self._connection.execute("DELETE FROM reports.covid_frozen WHERE field <> ALL (%s)", [kept])
        fresh = [name for name in kept if before.get(name) in published]
        self._connection.execute(FREEZE_PUBLISHED, {"names": fresh})

    def _freeze_unpublished(self, before: dict[str, str]) -> None:
        """Freeze the names that were never published before at their present figures."""
        late = [
            field for field in self._series() if not field.is_updated and field.name not in before
        ]
        if late:
            self._name_values(late, [], [])
            self._connection.execute(FREEZE_PUBLISHED, {"names": [field.name for field in late]})
            self._connection.execute("DELETE FROM reports.covid_values")

    def _name_values(self, fields: list[Field], frozen: list[str], zeroed: list[str]) -> None:
        named = [
            (field.name, field.definition.source_column, field.name.rpartition(".")[2], scope)
            for field in fields
            for scope in self.scopes_of(field)
        ]
        columns = list(zip(*named, strict=True)) or [(), (), (), ()]
        names = ("names", "sources", "kinds", "scopes")
        parameters = {name: list(column) for name, column in zip(names, columns, strict=True)}
        self._connection.execute(NAME_VALUES, parameters | {"frozen": frozen, "zeroed": zeroed})

    def _write_days(self) -> int:
        connection = self._connection
        connection.execute("DELETE FROM reports.covid_days")
        connection.execute("DELETE FROM reports.covid_packed_days")
        writer = _RowWriter(self)
        count = 0
        with connection.cursor(name="covid_days") as cursor:
            cursor.itersize = ROWS_AT_A_TIME
            names = [field.name for field in self._published()]
            days = groupby(cursor.execute(DAYS, {"names": names}), key=itemgetter(1))
            while some := list(islice((writer.write_day(d, rows) for d, rows in days), 20)):
                _copy(connection, "covid_days", DAY_TYPES, (r for day in some for r in day.days))
                _copy(
                    connection,
                    "covid_packed_days",
                    PACKED_TYPES,
                    (r for day in some for r in day.packed),
                )
                count += sum(len(day.days) for day in some)
        return count

    def templates(self, scope: Scope) -> dict[Form, RowTemplate]:
        """Return what writes the rows of a scope; figures come by the field's number."""
        numbers = {field.name: number for number, field in enumerate(self._published())}
        names = {numbers[field.name]: field.name for field in self._published(scope)}
        return {form: RowTemplate(names, form) for form in FORMS}

    def choices(self) -> dict[str, dict[int, str]]:
        """Return for each state what its totals that cannot be treated alike say, by number."""
        published = self._published("states")
        chosen = find_choices(self._connection, published)
        numbers = [
            number
            for number, field in enumerate(self._published())
            if field.definition.source_column is None
        ]
        return {state: dict.fromkeys(numbers, text) for state, text in chosen.items()}

    def _write_states(self) -> None:
        self._connection.execute("DELETE FROM reports.covid_states")
        self._connection.execute(STATES)

    def _write_documents(self) -> None:
        described = [
            describe_field(field, self.scopes_of(field)) for field in self._lifecycle.fields
        ]
        bodies: dict[str, Any] = {
            "fields": described,
            "changes": list_changes(self._connection, self._lifecycle.list_steps(), self._now),
            "totals": [
                SumCheck(figure=figure, days=days, equal_days=equal)
                for figure, days, equal in self._connection.execute(TOTALS)
            ],
        }
        for scope in SCOPES:
            bodies[f"notes_{scope}"] = [
                note_field(field, scope) for field in described if scope in field.published_for
            ]
        self._connection.execute("DELETE FROM reports.covid_documents")
        for name, body in bodies.items():
            self._connection.execute(
                "INSERT INTO reports.covid_documents (name, body) VALUES (%s, %s)",
                [name, msgspec.json.encode(body).decode()],
            )


class _RowWriter:
    """Writes rows of every area in every form."""

    def __init__(self, build: Build) -> None:
        self._templates = {scope: build.templates(scope) for scope in SCOPES}
        self._choices = build.choices()

    def write_day(self, day: date, rows: Iterable[Row]) -> Written:
        days: list[DayRow] = []
        packed: list[PackedRow] = []
        texts: dict[Form, list[str]] = {form: [] for form in FORMS}
        for area, _, last_update, states, lines in rows:
            head = write_head(area, day, last_update, states)
            figures = read_figures(lines) | self._choices.get(area, {})
            templates = self._templates["states" if states is None else "us"]
            written = {form: templates[form].write(head, figures) for form in FORMS}
            days.append((area, day, last_update, written["nested"], written["simple"]))
            if states is None:
                for form in FORMS:
                    texts[form].append(written[form])
        for form, of_states in texts.items():
            if of_states:
                piece = pack(",".join(of_states).encode())
                packed.append((form, day, piece.size, piece.crc, piece.deflated))
        return Written(days, packed)


DAY_TYPES = ("text", "date", "timestamptz", "text", "text")
PACKED_TYPES = ("text", "date", "int4", "int8", "bytea")


def _copy(
    connection: Connection, table: str, types: Iterable[str], rows: Iterator[tuple[Any, ...]]
) -> None:
    with connection.cursor().copy(f"COPY reports.{table} FROM STDIN (FORMAT binary)") as copy:
        copy.set_types(list(types))
        for row in rows:
            copy.write_row(row)


def _read_columns(connection: Connection) -> dict[Scope, set[str]]:
    found = connection.execute(INTEGER_COLUMNS).fetchall()
    return {
        scope: {column for name, column in found if name == table}
        for scope, table in TABLES.items()
    }


def _read_stages(connection: Connection) -> dict[str, str]:
    """Return the stage of every name that the last build published, none before the first."""
    row = connection.execute(
        "SELECT body FROM reports.covid_documents WHERE name = 'fields'"
    ).fetchone()
    fields = msgspec.json.decode(row[0], type=list[PublishedField]) if row else []
    return {field.field: field.status for field in fields if field.published_for}
