"""Connections of their own to the test database."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import connection
from psycopg import Connection, IsolationLevel


def log_in(level: IsolationLevel = IsolationLevel.READ_COMMITTED) -> Connection:
    """Return a new connection of the administrator."""
    server = connection.settings_dict
    login = psycopg.connect(
        host=server["HOST"],
        port=server["PORT"],
        dbname=server["NAME"],
        user=server["USER"],
        password=server["PASSWORD"],
    )
    login.isolation_level = level
    return login


@contextmanager
def holding_lock(key: str) -> Iterator[None]:
    """Hold an advisory lock on another connection; it is free again when the block ends."""
    with log_in() as holder:
        holder.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
        yield
