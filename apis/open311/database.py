"""The API's reads, as the service's own role."""

from typing import Any, cast

import psycopg
from django.db import connection
from psycopg.rows import dict_row
from psycopg.sql import SQL, Composed
from psycopg.types.datetime import TimestamptzLoader

Row = dict[str, Any]


def fetch_rows(statement: SQL | Composed, parameters: Row | None = None) -> list[Row]:
    """Return a query's rows by column name; times are aware, in UTC."""
    connection.ensure_connection()
    raw = cast("psycopg.Connection", connection.connection)
    with connection.wrap_database_errors, raw.cursor(row_factory=dict_row) as cursor:
        # Django's own loader is in Python: it took longer than the rest of the request.
        cursor.adapters.register_loader("timestamptz", TimestamptzLoader)
        return cursor.execute(statement, parameters or {}).fetchall()
