"""What a report holds now: its status, its columns and its rows."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

import msgspec
from django.db import connection, transaction
from psycopg import Connection
from psycopg.sql import SQL, Composed, Identifier, Literal

from project.base.csv_text import csv_lines
from project.base.sql_files import read_sql
from reports.engine.computation import order_by
from reports.engine.definition import ColumnNote, Definition
from reports.engine.state import FOLDER
from reports.engine.tables import SCHEMA, read_columns
from reports.errors import NotRefreshed

READ_STATUS = read_sql(FOLDER / "read_status.sql")
NUMBERS = ("smallint", "integer", "bigint", "numeric", "real", "double precision")


class Status(msgspec.Struct, frozen=True):
    """A row of reports.report_status, and when it was last found up to date or failed."""

    report: str
    refreshed_at: datetime | None
    rows: int | None
    last_batch: UUID | None
    open_rejections: int
    last_error: str | None
    checked_at: datetime | None
    failed_at: datetime | None
    line: float | None
    definition: str | None
    table_exists: bool


class DescribedColumn(msgspec.Struct, frozen=True):
    """A column as people read it."""

    name: str
    caption: str
    description: str
    type: str
    role: str


@contextmanager
def read_only_snapshot() -> Iterator[Connection]:
    """Give the service's connection in a read-only transaction with one snapshot."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield connection.connection


def read_statuses(connection: Connection) -> dict[str, Status]:
    """Return the status of every report that was ever refreshed, or tried to be."""
    rows = connection.execute(READ_STATUS, {"name": None})
    return {row[0]: Status(*row) for row in rows}


def find_status(connection: Connection, name: str) -> Status | None:
    """Return one report's status, None where no refresh was ever tried."""
    row = connection.execute(READ_STATUS, {"name": name}).fetchone()
    return Status(*row) if row else None


def read_status(connection: Connection, name: str) -> Status:
    """Return one report's status; raise `NotRefreshed` where it has no table yet."""
    status = find_status(connection, name)
    if status is None or not status.table_exists:
        reason = f"; the last try failed: {status.last_error}" if status else ""
        raise NotRefreshed(f"{name} was never refreshed{reason}", report=name)
    return status


def describe_columns(connection: Connection, definition: Definition) -> list[DescribedColumn]:
    """Return the table's columns that the definition describes, in the table's order.

    They differ for as long as a changed definition was not refreshed yet.
    """
    notes = definition.header.columns
    return [
        DescribedColumn(name, note.caption, note.description, type_, _choose_role(note, type_))
        for name, type_ in read_columns(connection, definition.name)
        if (note := notes.get(name))
    ]


def _choose_role(note: ColumnNote, type_: str) -> str:
    """Return what a column is to Tableau: numbers are measures unless the header says otherwise."""
    return note.role or ("measure" if type_.startswith(NUMBERS) else "dimension")


def read_rows(
    connection: Connection, definition: Definition, *, limit: int, offset: int = 0
) -> list[msgspec.Raw]:
    """Return rows in the report's order, each a JSON object as PostgreSQL writes it."""
    statement = SQL("SELECT row_to_json(shown)::text FROM ({} LIMIT %s OFFSET %s) AS shown").format(
        _select(connection, definition, iso_times=False)
    )
    return [msgspec.Raw(row.encode()) for (row,) in connection.execute(statement, [limit, offset])]


def read_csv(connection: Connection, definition: Definition, nulls: Sequence[str] = ()) -> bytes:
    """Return the whole report as CSV with a header; times are ISO 8601 with an offset.

    Null is the first of `nulls`, or nothing; a text that is one of them stands in quotes.
    """
    query = _select(connection, definition, iso_times=True)
    statement = SQL("COPY ({}) TO STDOUT (FORMAT csv, HEADER, NULL {}{})").format(
        query, Literal(nulls[0] if nulls else ""), SQL(", FORCE_QUOTE *" if nulls[1:] else "")
    )
    with connection.cursor().copy(statement) as copy:
        return b"".join(copy)


def read_safe_csv(
    connection: Connection, definition: Definition, nulls: Sequence[str] = ()
) -> bytes:
    """Return the same for spreadsheets: a text that one would run as a formula gets a `'`."""
    names = [column.name for column in describe_columns(connection, definition)]
    texts = [SQL("{}::text").format(Identifier("shown", name)) for name in names]
    statement = SQL("SELECT {} FROM ({}) AS shown").format(
        SQL(", ").join(texts), _select(connection, definition, iso_times=True)
    )
    return b"".join(csv_lines(names, connection.execute(statement), safe=True, nulls=nulls))


def _select(connection: Connection, definition: Definition, *, iso_times: bool) -> Composed:
    columns = describe_columns(connection, definition)
    present = {column.name for column in columns}
    ordered = [item for item in definition.header.order if item.partition(" ")[0] in present]
    return SQL("SELECT {} FROM {} AS report{}").format(
        SQL(", ").join(_show(column, iso_times=iso_times) for column in columns),
        Identifier(SCHEMA, definition.name),
        order_by(ordered),
    )


def _show(column: DescribedColumn, *, iso_times: bool) -> Composed:
    is_time = iso_times and column.type.startswith("timestamp")
    template = "to_json({}) #>> '{{}}' AS {}" if is_time else "{} AS {}"
    return SQL(template).format(Identifier("report", column.name), Identifier(column.name))
