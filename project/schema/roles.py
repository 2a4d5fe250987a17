"""Rowhouse's database roles: least privilege for each part of the service.

`sql/roles.sql` and `sql/dataset_roles.sql` say what each may do.
"""

from collections.abc import Iterable
from pathlib import Path

import psycopg
from django.db import ProgrammingError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from psycopg.sql import SQL, Identifier, Literal

from project.base.config import Database
from project.base.database import ROLES, primary_message, role_password
from project.base.errors import RowhouseError
from project.base.sql_files import read_sql, read_statements

FOLDER = Path(__file__).parent / "sql"
TIMEOUT_S = 5
INSUFFICIENT_PRIVILEGE = "42501"


class RolesRefused(RowhouseError):
    """The database's user may not make roles."""

    code = "roles_refused"


def apply_roles(
    connection: BaseDatabaseWrapper,
    schemas: Iterable[str],
    *,
    config: Database,
    secrets_dir: Path,
) -> None:
    """Make the roles, their passwords and their rights in the service's and the given schemas.

    Runs in the caller's transaction and may be repeated. Raise `RolesRefused` where the
    connection's user may not do this.
    """
    try:
        with connection.cursor() as cursor:
            for statement in read_statements(FOLDER / "roles.sql"):
                _execute(cursor, SQL(statement).format(**_timeouts(config)))
            for schema in schemas:
                for statement in read_statements(FOLDER / "dataset_roles.sql"):
                    _execute(cursor, SQL(statement).format(schema=Identifier(schema)))
            for role in ROLES:
                _set_password(connection, cursor, role, role_password(role, secrets_dir))
    except ProgrammingError as error:
        if getattr(error.__cause__, "sqlstate", None) != INSUFFICIENT_PRIVILEGE:
            raise
        raise RolesRefused(
            f"The database's user may not make Rowhouse's roles ({primary_message(error)}): "
            "grant it CREATEROLE, or set database.separate_roles to false in rest_conf.yml"
        ) from error


def apply_role_settings(connection: BaseDatabaseWrapper, config: Database) -> None:
    """Store as settings of the connection's own user what a pooled connection cannot bring.

    For a service without roles of its own: those get the same from `apply_roles`.
    """
    statement = SQL(read_sql(FOLDER / "own_settings.sql")).format(**_timeouts(config))
    with connection.cursor() as cursor:
        _execute(cursor, statement)


def _timeouts(config: Database) -> dict[str, Literal]:
    return {
        "statement_timeout": Literal(f"{config.statement_timeout_s}s"),
        "lock_timeout": Literal(f"{config.lock_timeout_s}s"),
    }


def _set_password(
    connection: BaseDatabaseWrapper, cursor: CursorWrapper, role: str, password: str
) -> None:
    if _can_log_in(connection, role, password):
        return
    # Hashed here: the statement, which a server may log, never holds the password itself.
    hashed = connection.connection.pgconn.encrypt_password(
        password.encode(), role.encode(), b"scram-sha-256"
    )
    statement = SQL("ALTER ROLE {} PASSWORD {}")
    _execute(cursor, statement.format(Identifier(role), Literal(hashed.decode())))


def _can_log_in(connection: BaseDatabaseWrapper, role: str, password: str) -> bool:
    parameters = connection.get_connection_params()
    login = {
        "host": parameters["host"],
        "port": parameters["port"],
        "dbname": parameters["dbname"],
        "user": role,
        "password": password,
        "connect_timeout": TIMEOUT_S,
    }
    try:
        psycopg.connect(**login).close()
    except psycopg.OperationalError:
        return False
    return True


def _execute(cursor: CursorWrapper, statement: psycopg.sql.Composed) -> None:
    cursor.execute(statement.as_string())
