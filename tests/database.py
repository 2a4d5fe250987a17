"""Connections of their own to the test database."""

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
