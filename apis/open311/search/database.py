"""The API's reads, as the service's own role."""

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


class _Kept(threading.local):
    """A cursor of this thread's connection: what it knows of types a new one has to learn."""

    cursor: psycopg.Cursor[TupleRow] | None = None


_kept = _Kept()


def fetch_rows(statement: Statement, parameters: Row | None = None) -> list[Row]:
    """Return a query's rows by column name; times are aware, in UTC."""
    wrapper = connections[DEFAULT_DB_ALIAS]
    with wrapper.wrap_database_errors, _connect(wrapper).cursor(row_factory=dict_row) as cursor:
        # Django's own loader is in Python: it took longer than the rest of the request.
        cursor.adapters.register_loader("timestamptz", TimestamptzLoader)
        return cursor.execute(statement, parameters or {}).fetchall()


def fetch_planned(statement: Statement, parameters: Row) -> list[TupleRow]:
    """Return a query's rows as tuples; its plan is made once a connection, for all values.

    Its columns are of PostgreSQL's own types, for their values come in binary. Behind a pooler,
    which prepares nothing, it is planned each time.
    """
    wrapper = connections[DEFAULT_DB_ALIAS]
    with wrapper.wrap_database_errors:
        cursor = _keep_cursor(_connect(wrapper))
        return cursor.execute(statement, parameters, prepare=True, binary=True).fetchall()


def _keep_cursor(connection: psycopg.Connection) -> psycopg.Cursor[TupleRow]:
    if _kept.cursor is None or _kept.cursor.connection is not connection:
        _kept.cursor = psycopg.Cursor(connection)
    return _kept.cursor


def _connect(wrapper: BaseDatabaseWrapper) -> psycopg.Connection:
    wrapper.ensure_connection()
    return cast("psycopg.Connection", wrapper.connection)
