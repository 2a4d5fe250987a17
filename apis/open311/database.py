"""The API's reads, as the service's own role."""

from typing import Any, cast

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.rows import TupleRow, dict_row
from psycopg.sql import SQL, Composed
from psycopg.types.datetime import TimestamptzLoader

Row = dict[str, Any]
Statement = SQL | Composed | bytes


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
    with wrapper.wrap_database_errors, psycopg.Cursor(_connect(wrapper)) as cursor:
        return cursor.execute(statement, parameters, prepare=True, binary=True).fetchall()


def _connect(wrapper: BaseDatabaseWrapper) -> psycopg.Connection:
    wrapper.ensure_connection()
    return cast("psycopg.Connection", wrapper.connection)
