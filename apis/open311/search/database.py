"""The API's queries, run as the service's own role."""

import threading
from typing import Any, cast

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.rows import TupleRow, dict_row
from psycopg.sql import SQL, Composed
from psycopg.types.datetime import TimestamptzLoader

Row = dict[str, Any]
Statement = SQL | Composed | bytes


class _ThreadCursor(threading.local):
    """A cursor that a thread keeps: a new one would have to set up its type adapters again."""

    cursor: psycopg.Cursor[TupleRow] | None = None


_thread = _ThreadCursor()


def fetch_rows(statement: Statement, parameters: Row | None = None) -> list[Row]:
    """Return a query's rows by column name; times are aware, in UTC."""
    wrapper = connections[DEFAULT_DB_ALIAS]
    with wrapper.wrap_database_errors, _connect(wrapper).cursor(row_factory=dict_row) as cursor:
        # Django's own loader is in Python: it took longer than the rest of the request.
        cursor.adapters.register_loader("timestamptz", TimestamptzLoader)
        return cursor.execute(statement, parameters or {}).fetchall()


def fetch_prepared(statement: Statement, parameters: Row) -> list[TupleRow]:
    """Return the rows of a prepared statement as tuples: planned once a connection.

    Its columns are of PostgreSQL's own types, as values are sent in binary. Behind a pooler,
    where nothing can be prepared, it is planned each time.
    """
    wrapper = connections[DEFAULT_DB_ALIAS]
    with wrapper.wrap_database_errors:
        cursor = _reuse_cursor(_connect(wrapper))
        return cursor.execute(statement, parameters, prepare=True, binary=True).fetchall()


def _reuse_cursor(connection: psycopg.Connection) -> psycopg.Cursor[TupleRow]:
    if _thread.cursor is None or _thread.cursor.connection is not connection:
        _thread.cursor = psycopg.Cursor(connection)
    return _thread.cursor


def _connect(wrapper: BaseDatabaseWrapper) -> psycopg.Connection:
    wrapper.ensure_connection()
    return cast("psycopg.Connection", wrapper.connection)
