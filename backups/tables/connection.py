"""How backups connect to PostgreSQL, and the settings of their transactions."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.conf import settings
from django.db import connections
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import Composed

from backups.errors import RestoreBusy, RestoreRefused
from project.base.database import role_password

READER_ROLE = "backup_reader"
RESTORER_ROLE = "backup_restorer"
RESTORE_LOCK = "rowhouse.restore"

TRANSACTION_SETTINGS = {
    # The text of a value then has one meaning, wherever and whenever it is read again.
    "search_path": "pg_catalog",
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "timezone": "UTC",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "lc_monetary": "C",
    "xmloption": "content",
    "standard_conforming_strings": "on",
    "quote_all_identifiers": "off",
    "array_nulls": "on",
    # A table whose policies would hide rows is refused, not read in part.
    "row_security": "off",
    "client_encoding": "UTF8",
    # A backup or restore has no time limit, and reads a table from its first page on.
    "statement_timeout": "0",
    "lock_timeout": "300s",
    "idle_in_transaction_session_timeout": "0",
    "synchronize_seqscans": "off",
    "max_parallel_workers_per_gather": "0",
}


def admin_conninfo(**login: Any) -> str:
    """Return how to connect as the administrator or with another login; for commands."""
    server = settings.DIRECT_DATABASE | {"NAME": connections["default"].settings_dict["NAME"]}
    parts = {
        "host": server["HOST"],
        "port": server["PORT"],
        "user": server["USER"],
        "password": server["PASSWORD"],
        "dbname": server["NAME"],
        "application_name": "rowhouse-backups",
        "connect_timeout": 5,
        "client_encoding": "UTF8",  # also where the server itself knows none (SQL_ASCII)
        **login,
    }
    return make_conninfo(**server["OPTIONS"] | parts)


def reader_conninfo() -> str:
    """Return how to connect as the role that may read everything that is backed up."""
    return _role_conninfo(READER_ROLE)


def with_plain_names(conninfo: str) -> str:
    """Return how to connect so that names are PostgreSQL's own from the start, and not quoted.

    ADBC asks for types by name while it connects, before a transaction can set anything.
    """
    given = conninfo_to_dict(conninfo).get("options") or ""
    plain = "-c search_path=pg_catalog -c quote_all_identifiers=off"
    return make_conninfo(conninfo, options=f"{given} {plain}".lstrip())


def restorer_conninfo() -> str:
    """Return how to connect as the role that owns what a restore makes until it is swapped in."""
    return _role_conninfo(RESTORER_ROLE)


def _role_conninfo(role: str) -> str:
    if not settings.CONFIG.database.separate_roles:
        return admin_conninfo()
    return admin_conninfo(user=role, password=role_password(role, settings.SECRETS_DIR))


def connect_admin() -> psycopg.Connection:
    """Return a new connection of the administrator, in autocommit mode."""
    connection = psycopg.connect(admin_conninfo(), autocommit=True, prepare_threshold=None)
    connection.execute("SET statement_timeout = 0")
    return connection


def connect_restorer() -> psycopg.Connection:
    """Return a new connection that may execute what a backup says, in autocommit mode.

    Raises `RestoreRefused` where that would be a superuser's.
    """
    connection = psycopg.connect(restorer_conninfo(), autocommit=True, prepare_threshold=None)
    if connection.info.parameter_status("is_superuser") != "off":
        connection.close()
        raise RestoreRefused(
            "What a backup defines is never executed by a superuser: set database.separate_roles"
        )
    for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
        connection.execute("SELECT set_config(%s, %s, false)", [name, TRANSACTION_SETTINGS[name]])
    return connection


def execute_alone(connection: psycopg.Connection, statement: Composed) -> None:
    """Execute a statement that a backup's definition is part of; PostgreSQL refuses a second one.

    Several statements in one text are taken by its simple protocol only, and psycopg uses the
    extended one for results in binary format.
    """
    connection.execute(statement, binary=True)


@contextmanager
def connect_for_restore() -> Iterator[psycopg.Connection]:
    """Connect as the administrator; raise `RestoreBusy` while another restore is running."""
    with connect_admin() as connection:
        row = connection.execute(
            "SELECT pg_try_advisory_lock(hashtext(%s))", [RESTORE_LOCK]
        ).fetchone()
        if not row or not row[0]:
            raise RestoreBusy
        try:
            yield connection
        finally:
            if not connection.closed:
                connection.execute("SELECT pg_advisory_unlock(hashtext(%s))", [RESTORE_LOCK])


def disable_synchronous_commit(connection: psycopg.Connection) -> None:
    """Have commits not wait for the disk; a later one that waits makes them durable too."""
    connection.execute("SET synchronous_commit = off")


def configure_transaction(connection: psycopg.Connection) -> None:
    """Apply `TRANSACTION_SETTINGS` until the transaction ends."""
    for name, value in TRANSACTION_SETTINGS.items():
        connection.execute("SELECT set_config(%s, %s, true)", [name, value])
