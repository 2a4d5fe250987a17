"""The rows of the API, written to their tables day by day."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from itertools import chain, groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any

from psycopg import Connection

from apis.covid.fields.choices import find_choices
from apis.covid.fields.definitions import SCOPES, Scope
from apis.covid.fields.published import Published
from apis.covid.fields.templates import FORMS, Form, RowTemplate, read_figures, write_head
from apis.covid.refresh.packing import pack
from project.base.sql_files import read_sql

DAYS = read_sql(Path(__file__).parent / "sql" / "days.sql")

# Figures of some days are held in memory at a time, about 10 MB.
ROWS_AT_A_TIME = 1200
DAYS_AT_A_TIME = 20

Row = tuple[str, date, datetime, int | None, str | None]
DayRow = tuple[str, date, datetime, str, str]
PackedRow = tuple[str, date, int, int, bytes]
DAY_TYPES = ("text", "date", "timestamptz", "text", "text")
PACKED_TYPES = ("text", "date", "int4", "int8", "bytea")


def write_days(connection: Connection, published: Published) -> int:
    """Replace the rows by those of reports.covid_values; return how many there are."""
    connection.execute("DELETE FROM reports.covid_days")
    connection.execute("DELETE FROM reports.covid_packed_days")
    writer = _DayWriter(connection, published)
    names = [field.name for field in published.fields()]
    count = 0
    with connection.cursor(name="covid_days") as cursor:
        cursor.itersize = ROWS_AT_A_TIME
        days = groupby(cursor.execute(DAYS, {"names": names}), key=itemgetter(1))
        written = (writer.write_day(day, rows) for day, rows in days)
        while some := list(islice(written, DAYS_AT_A_TIME)):
            _copy(connection, "covid_days", DAY_TYPES, chain.from_iterable(day for day, _ in some))
            packed = chain.from_iterable(pieces for _, pieces in some)
            _copy(connection, "covid_packed_days", PACKED_TYPES, packed)
            count += sum(len(day) for day, _ in some)
    return count


class _DayWriter:
    """Writes the rows of every area in both forms; figures are keyed by their field's number."""

    def __init__(self, connection: Connection, published: Published) -> None:
        numbers = {field.name: number for number, field in enumerate(published.fields())}
        self._templates: dict[Scope, dict[Form, RowTemplate]] = {}
        for scope in SCOPES:
            names = {numbers[field.name]: field.name for field in published.fields(scope)}
            self._templates[scope] = {form: RowTemplate(names, form) for form in FORMS}
        totals = [
            numbers[field.name]
            for field in published.fields()
            if not field.definition.source_column
        ]
        chosen = find_choices(connection, published.fields("states"))
        self._choices = {state: dict.fromkeys(totals, text) for state, text in chosen.items()}

    def write_day(self, day: date, rows: Iterable[Row]) -> tuple[list[DayRow], list[PackedRow]]:
        """Return the rows of one day, those of all states also packed together."""
        days: list[DayRow] = []
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
        return days, list(_pack_day(day, texts))


def _pack_day(day: date, texts: dict[Form, list[str]]) -> Iterator[PackedRow]:
    for form, rows in texts.items():
        if rows:
            piece = pack(",".join(rows).encode())
            yield form, day, piece.size, piece.crc, piece.deflated


def _copy(
    connection: Connection, table: str, types: Iterable[str], rows: Iterable[tuple[Any, ...]]
) -> None:
    with connection.cursor().copy(f"COPY reports.{table} FROM STDIN (FORMAT binary)") as copy:
        copy.set_types(list(types))
        for row in rows:
            copy.write_row(row)
