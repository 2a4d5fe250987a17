"""Connections of their own to the test database."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.conf import settings
from django.db import connection, connections
from psycopg import Connection, IsolationLevel
from psycopg.conninfo import make_conninfo

from project.base.database import database_settings
from project.schema.roles import apply_role_settings


def database_environment() -> dict[str, str]:
    """Return the environment of a process that is to use the test database."""
    urls = {name: os.environ.get(name) for name in ("DATABASE_URL", "DATABASE_DIRECT_URL")}
    name = connection.settings_dict["NAME"]
    return os.environ | {
        variable: make_conninfo(url, dbname=name) for variable, url in urls.items() if url
    }


def use_pooler() -> None:
    """Have the administrator's connections of this process go through the pooler too."""
    apply_role_settings(connection, settings.CONFIG.database)
    connection.close()
    pooled = database_settings(
        url=settings.DATABASE_URL,
        direct=settings.DIRECT_DATABASE,
        role="service",
        config=settings.CONFIG.database,
        secrets_dir=settings.SECRETS_DIR,
    )["default"]
    login = {name: connection.settings_dict[name] for name in ("USER", "PASSWORD", "NAME")}
    connection.settings_dict.update(pooled | login)


def leave_pooler() -> None:
    """Undo `use_pooler`."""
    connections.close_all()
    connection.settings_dict.update(
        settings.DIRECT_DATABASE | {"NAME": connection.settings_dict["NAME"]}
    )


def end_sessions() -> None:
    """End what other sessions the test database has: a pooler's, those of a killed process."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def log_in(level: IsolationLevel = IsolationLevel.READ_COMMITTED) -> Connection:
    """Return a new connection of the administrator, a session of its own."""
    server = settings.DIRECT_DATABASE | {"NAME": connection.settings_dict["NAME"]}
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
