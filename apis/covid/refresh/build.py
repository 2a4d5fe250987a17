"""One build of the tables the API reads, in the caller's transaction."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from psycopg import ClientCursor, Connection

from apis.covid.fields.definitions import SCOPES, read_definitions
from apis.covid.fields.documents import (
    PublishedField,
    SumCheck,
    describe_field,
    list_changes,
    note_field,
)
from apis.covid.fields.lifecycle import Field, Lifecycle, Stage
from apis.covid.fields.published import Published, read_columns
from apis.covid.refresh.days import write_days
from project.base.sql_files import read_sql

FOLDER = Path(__file__).parent / "sql"
DELETE_VALUES = "DELETE FROM reports.covid_values"
COMPUTE = read_sql(FOLDER / "compute.sql")
FREEZE_PUBLISHED = read_sql(FOLDER / "freeze_published.sql")
NAME_VALUES = read_sql(FOLDER / "name_values.sql")
STATES = read_sql(FOLDER / "states.sql")
TOTALS = read_sql(FOLDER / "totals.sql")

# Enough to sort half a million figures in memory; the default would use disk.
WORK_MEMORY = "64MB"


class Build:
    """The figures and documents published as of `now`."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._lifecycle = Lifecycle(read_definitions(connection), now)
        self._published = Published(self._lifecycle.fields, read_columns(connection))

    def write(self) -> int:
        """Replace everything the API reads; return how many days of areas there are."""
        self._connection.execute("SELECT set_config('work_mem', %s, true)", [WORK_MEMORY])
        self._write_values()
        rows = write_days(self._connection, self._published)
        self._connection.execute("DELETE FROM reports.covid_states")
        self._connection.execute(STATES)
        self._write_documents()
        return rows

    def _write_values(self) -> None:
        before = _read_stages(self._connection)
        sources: dict[str, Any] = {scope: self._published.sources(scope) for scope in SCOPES}
        # CREATE TABLE AS takes no parameters on the server.
        ClientCursor(self._connection).execute(COMPUTE, sources)
        self._keep_frozen(before)
        self._connection.execute(DELETE_VALUES)
        self._freeze_unpublished(before)
        self._name_values(
            self._published.updated(),
            frozen=self._published.names_in(Stage.FROZEN),
            zeroed=self._published.names_in(Stage.ZEROED),
        )

    def _keep_frozen(self, before: dict[str, str]) -> None:
        """Copy the currently published figures of names that become frozen."""
        kept = [field.name for field in self._published.series() if not field.is_updated]
        self._connection.execute("DELETE FROM reports.covid_frozen WHERE field <> ALL (%s)", [kept])
        updated = {Stage.LIVE.name.lower(), Stage.REPLACED.name.lower()}
        names = [name for name in kept if before.get(name) in updated]
        self._connection.execute(FREEZE_PUBLISHED, {"names": names})

    def _freeze_unpublished(self, before: dict[str, str]) -> None:
        """Freeze the names that were never published before, with their current figures."""
        late = [
            field
            for field in self._published.series()
            if not field.is_updated and field.name not in before
        ]
        if late:
            self._name_values(late)
            names = [field.name for field in late]
            self._connection.execute(FREEZE_PUBLISHED, {"names": names})
            self._connection.execute(DELETE_VALUES)

    def _name_values(
        self, fields: list[Field], *, frozen: Sequence[str] = (), zeroed: Sequence[str] = ()
    ) -> None:
        named = [(one, scope) for one in fields for scope in self._published.scopes_of(one)]
        parameters: dict[str, Any] = {
            "names": [field.name for field, _ in named],
            "sources": [field.definition.source_column for field, _ in named],
            "kinds": [field.name.rpartition(".")[2] for field, _ in named],
            "scopes": [scope for _, scope in named],
            "frozen": list(frozen),
            "zeroed": list(zeroed),
        }
        self._connection.execute(NAME_VALUES, parameters)

    def _write_documents(self) -> None:
        described = [
            describe_field(field, self._published.scopes_of(field))
            for field in self._published.known
        ]
        steps = self._lifecycle.list_steps()
        bodies: dict[str, Any] = {
            "fields": described,
            "changes": list_changes(self._connection, steps, self._now),
            "totals": [SumCheck(*row) for row in self._connection.execute(TOTALS)],
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


def _read_stages(connection: Connection) -> dict[str, str]:
    """Return the stage of every name that the last build published, none before the first."""
    row = connection.execute(
        "SELECT body FROM reports.covid_documents WHERE name = 'fields'"
    ).fetchone()
    fields = msgspec.json.decode(row[0], type=list[PublishedField]) if row else []
    return {field.field: field.status for field in fields if field.published_for}
