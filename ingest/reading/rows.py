"""Rows read from dataset tables: a page by its key, or all of them as a stream."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

import psycopg
from django.db import connections
from psycopg import Connection, RawServerCursor
from psycopg.sql import SQL, Composable, Composed, Identifier

from ingest.catalog.definitions import Table
from ingest.reading.keyset import ROW, Parameters, beyond, key_of
from ingest.reading.row_output import csv_fields, json_row
from ingest.reading.selection import COMPARISONS, Filter, Selection
from ingest.writing.statements import execute_raw, table_identifier
from project.base.database import reader_connection
from project.base.errors import BadParameter, RowhouseError, Unavailable

# Rows that a stream fetches at a time.
CHUNK = 1000

Key = Sequence[str | None]


# A value of a type that only PostgreSQL can judge (some types call it a syntax error), or a type
# that has no such comparison.
_REFUSALS = (
    psycopg.DataError,
    psycopg.errors.SyntaxError,
    psycopg.errors.UndefinedFunction,
)


class TableNotReadable(RowhouseError):
    """The service has not been granted to read this table."""

    code = "table_not_readable"


def read_page(
    connection: Connection,
    table: Table,
    selection: Selection,
    *,
    limit: int,
    after: Key | None = None,
    backwards: bool = False,
) -> list[tuple[str, Key]]:
    """Return up to `limit` rows as JSON text, each with its key, from the given key on.

    With `backwards` they are read towards the beginning, and come in that order.
    """

    def fetch(*, computed: bool) -> list[tuple[str, Key]]:
        parts = key_of(table, selection.order, backwards=backwards)
        row = json_row(selection.columns, computed=computed)
        expressions = [row, *(part.text for part in parts)]
        statement, values = _select(
            table, selection, expressions, after=after, limit=limit, backwards=backwards
        )
        rows = execute_raw(connection, statement, values).fetchall()
        return [(text, key) for text, *key in rows]

    with explained_errors():
        try:
            return fetch(computed=True)
        except psycopg.DataError:
            # One row whose virtual columns cannot be computed must not hide the others.
            if not any(column.virtual for column in selection.columns):
                raise
            return fetch(computed=False)


def stream_json(
    table: Table, selection: Selection, *, limit: int | None = None, after: Key | None = None
) -> Iterator[bytes]:
    """Return every row that is selected as a line of JSON; errors of the start are raised here."""
    computed = _can_compute(table, selection, limit=limit, after=after)
    row = json_row(selection.columns, computed=computed)
    statement, values = _select(table, selection, [row], after=after, limit=limit)
    # A json column keeps the line breaks between its tokens; there are none inside strings.
    return (
        text.replace("\n", " ").replace("\r", " ").encode() + b"\n"
        for (text,) in _stream(statement, values)
    )


def stream_fields(
    table: Table, selection: Selection, *, limit: int | None = None, after: Key | None = None
) -> Iterator[Sequence[str | None]]:
    """Return every row that is selected as the texts of its values."""
    computed = _can_compute(table, selection, limit=limit, after=after)
    fields = csv_fields(selection.columns, computed=computed)
    statement, values = _select(table, selection, fields, after=after, limit=limit)
    return _stream(statement, values)


def _can_compute(
    table: Table, selection: Selection, *, limit: int | None, after: Key | None
) -> bool:
    """Return whether the virtual columns of all selected rows can be computed.

    A stream that has begun cannot be taken back.
    """
    virtual = [Identifier(column.name) for column in selection.columns if column.virtual]
    if not virtual:
        return True
    row = SQL("ROW({}) AS computed").format(SQL(", ").join(virtual))
    statement, values = _select(table, selection, [row], after=after, limit=limit)
    count = SQL("SELECT count(computed) FROM ({}) AS selected").format(statement)
    try:
        execute_raw(reader_connection(), count, values)
    except psycopg.DataError:
        return False
    return True


@contextmanager
def explained_errors() -> Iterator[None]:
    """Raise what a failed query means for whoever asked for it."""
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise TableNotReadable from error
    except psycopg.errors.QueryCanceled as error:
        raise Unavailable("This takes too long; ask for less, or by an indexed column") from error
    except _REFUSALS as error:
        message = error.diag.message_primary or "a value is not understood"
        raise BadParameter(f"The database refuses a parameter: {message}") from error
    except psycopg.Error as error:
        raise Unavailable("The rows cannot be read now; ask again") from error


def _select(
    table: Table,
    selection: Selection,
    expressions: Sequence[Composable],
    *,
    after: Key | None,
    limit: int | None,
    backwards: bool = False,
) -> tuple[Composed, list[object]]:
    parameters = Parameters()
    parts = key_of(table, selection.order, backwards=backwards)
    conditions: list[Composable] = [_condition(each, parameters) for each in selection.filters]
    if after is not None:
        conditions.append(beyond(parts, after, parameters))
    statement = SQL("SELECT {} FROM {} AS {}").format(
        SQL(", ").join(expressions), table_identifier(table), ROW
    )
    if conditions:
        statement += SQL(" WHERE {}").format(SQL(" AND ").join(conditions))
    statement += SQL(" ORDER BY {}").format(SQL(", ").join(part.direction for part in parts))
    if limit is not None:
        statement += SQL(" LIMIT {}").format(SQL(str(limit)))
    return statement, parameters.values


def _condition(each: Filter, parameters: Parameters) -> Composed:
    name = SQL("{}.{}").format(ROW, Identifier(each.column.name))
    if each.operator == "isnull":
        return (SQL("{} IS NULL") if each.values[0] == "true" else SQL("{} IS NOT NULL")).format(
            name
        )
    if each.operator == "in":
        if not each.values:
            return SQL("{}").format(SQL("false"))
        return SQL("{} IN ({})").format(name, SQL(", ").join(map(parameters.add, each.values)))
    comparison = SQL(COMPARISONS[each.operator])
    return SQL("{} {} {}").format(name, comparison, parameters.add(each.values[0]))


def _stream(statement: Composed, values: Sequence[object]) -> Iterator[Any]:
    """Return a stream's rows, the first one fetched already: what is wrong is raised before it."""
    rows = _fetch(statement, values)
    return chain([first], rows) if (first := next(rows, None)) is not None else iter(())


def _fetch(statement: Composed, values: Sequence[object]) -> Iterator[Any]:
    # Its own connection: the stream goes on while its thread may be asked for something else.
    wrapper = connections["default"].copy()
    try:
        wrapper.ensure_connection()
        connection: Connection = wrapper.connection
        connection.read_only = True
        with (
            explained_errors(),
            connection.transaction(),
            RawServerCursor(connection, "rowhouse_rows") as cursor,
        ):
            cursor.itersize = CHUNK
            cursor.execute(statement, values)
            yield from cursor
    finally:
        wrapper.close()
