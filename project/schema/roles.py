"""Rowhouse's database roles: least privilege for each part of the service.

`sql/roles.sql` and `sql/dataset_roles.sql` say what each may do, `sql/role_changes.sql` what its
settings are.
"""

from collections.abc import Iterable
from pathlib import Path

import psycopg
from django.conf import settings
from django.db import ProgrammingError, connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from psycopg.sql import SQL, Identifier, Literal

from project.base.config import Config, Database
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
                _execute(cursor, SQL(statement).format())
            for change in _find_changed_settings(cursor, config):
                cursor.execute(change)
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


def guard_roles() -> str:
    """End long transactions of report_reader and repair the roles; say what was done.

    A role can change its own password and settings, and PostgreSQL has no way to forbid that.
    """
    config: Config = settings.CONFIG
    if not config.database.separate_roles:
        return "no roles of its own"
    ended = end_long_readers(connection, limit_s=config.reports.reader_timeout_s)
    is_repaired = repair_roles(connection, config=config.database, secrets_dir=settings.SECRETS_DIR)
    return f"{ended} sessions ended, roles {'repaired' if is_repaired else 'unchanged'}"


def end_long_readers(connection: BaseDatabaseWrapper, *, limit_s: float) -> int:
    """End the sessions of report_reader with an older transaction; return how many there were."""
    with connection.cursor() as cursor:
        cursor.execute(read_sql(FOLDER / "end_long_readers.sql"), {"limit_s": limit_s})
        return int(cursor.fetchone()[0])


def repair_roles(connection: BaseDatabaseWrapper, *, config: Database, secrets_dir: Path) -> bool:
    """Give the roles back their passwords and settings; return whether any had others."""
    with connection.cursor() as cursor:
        is_changed = bool(_find_changed_settings(cursor, config))
    passwords = {role: role_password(role, secrets_dir) for role in ROLES}
    if not is_changed and all(_can_log_in(connection, *login) for login in passwords.items()):
        return False
    with transaction.atomic(using=connection.alias):
        apply_roles(connection, (), config=config, secrets_dir=secrets_dir)
    return True


def apply_role_settings(connection: BaseDatabaseWrapper, config: Database) -> None:
    """Store as settings of the connection's own user what a pooled connection cannot bring.

    For a service without roles of its own: those get the same from `apply_roles`.
    """
    statement = SQL(read_sql(FOLDER / "own_settings.sql")).format(**_timeouts(config))
    with connection.cursor() as cursor:
        _execute(cursor, statement)


def _find_changed_settings(cursor: CursorWrapper, config: Database) -> list[str]:
    statement = SQL(read_sql(FOLDER / "role_changes.sql")).format(**_timeouts(config))
    _execute(cursor, statement)
    return [change for (change,) in cursor.fetchall()]


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
