"""The API's reads, as the service's own role."""

from typing import Any, cast

import psycopg
from django.db import connection
from psycopg.rows import TupleRow, dict_row
from psycopg.sql import SQL, Composed
from psycopg.types.datetime import TimestamptzLoader

Row = dict[str, Any]
Statement = SQL | Composed | bytes


def fetch_rows(statement: Statement, parameters: Row | None = None) -> list[Row]:
    """Return a query's rows by column name; times are aware, in UTC."""
    with connection.wrap_database_errors, _connect().cursor(row_factory=dict_row) as cursor:
        # Django's own loader is in Python: it took longer than the rest of the request.
        cursor.adapters.register_loader("timestamptz", TimestamptzLoader)
        return cursor.execute(statement, parameters or {}).fetchall()


def fetch_planned(statement: Statement, parameters: Row) -> list[TupleRow]:
    """Return a query's rows as tuples; its plan is made once a connection, for all values.

    Its columns are of PostgreSQL's own types, for their values come in binary. Behind a pooler,
    which prepares nothing, it is planned each time.
    """
    with connection.wrap_database_errors, psycopg.Cursor(_connect()) as cursor:
        return cursor.execute(statement, parameters, prepare=True, binary=True).fetchall()


def _connect() -> psycopg.Connection:
    connection.ensure_connection()
    return cast("psycopg.Connection", connection.connection)
