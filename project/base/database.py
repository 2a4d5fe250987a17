"""Which database each part of the service connects to, and as whom."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, cast

import psycopg
from django.db import Error as DatabaseError
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import IsolationLevel
from psycopg.conninfo import conninfo_to_dict

from project.base.config import Database
from project.base.errors import ConfigError, Unavailable
from project.base.secrets import read_or_create_secret

# The web processes read and write the service's own tables as SERVICE, dataset rows as WRITER.
# Management commands connect as the administrator of the URL. What each role may do stands in
# project/schema/sql/roles.sql.
SERVICE_ROLE = "rowhouse_service"
WRITER_ROLE = "ingest_writer"
UNCHECKED_ROLE = "ingest_unchecked"  # the same behind a pooler, where no trigger fires
REPORT_WRITER_ROLE = "report_writer"  # owns the report tables and refreshes them
REPORT_READER_ROLE = "report_reader"
ROLES = (
    SERVICE_ROLE,
    WRITER_ROLE,
    UNCHECKED_ROLE,
    REPORT_WRITER_ROLE,
    REPORT_READER_ROLE,
    "backup_reader",
    "backup_restorer",
)

# What the texts of values depend on: a database or role may have other defaults. Pooled sessions
# get the same from project/schema/sql/roles.sql and own_settings.sql.
OUTPUT_SETTINGS = {
    "timezone": "UTC",
    "datestyle": "ISO,MDY",
    "intervalstyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
}

EMBEDDED_HOST = "127.0.0.1"
EMBEDDED_USER = "postgres"
EMBEDDED_DATABASE = "rowhouse"


def direct_server(
    *,
    url: str | None,
    direct_url: str | None,
    config: Database,
    data_dir: Path,
    secrets_dir: Path,
) -> dict[str, Any]:
    """Return where the server itself is, past any pooler, and its administrator's login.

    Raises `ConfigError` where only a pooler is known.
    """
    if direct_url:
        return _parse_url(direct_url, "database.direct_url")
    if config.pooler == "transaction":
        raise ConfigError(
            "database.direct_url: needed with `pooler: transaction` (or DATABASE_DIRECT_URL): "
            "set-up and backups need sessions of their own",
            key_path="database.direct_url",
        )
    return _parse_url(url, "database.url") if url else _embedded(config, data_dir, secrets_dir)


def database_settings(
    *, url: str | None, direct: dict[str, Any], role: str, config: Database, secrets_dir: Path
) -> dict[str, dict[str, Any]]:
    """Return Django's DATABASES: `default` (service tables), `ingest` (dataset rows), `reports`.

    `role` is "service" for web processes and "admin" for management commands, whose `default` is
    the `direct` server.
    """
    server = _parse_url(url, "database.url") if url else direct
    pooled = config.pooler == "transaction"
    if role == "service":
        default = _connection(server, config, pooled=pooled)
    else:
        default = _connection(direct, config, pooled=False)
    # Nothing is prepared unless it asks to be. A pooled connection (None) cannot.
    default["OPTIONS"].setdefault("prepare_threshold", 5)
    ingest = _connection(server, config, pooled=pooled)
    # Batches travel as parameters, bound by the server.
    ingest["OPTIONS"]["server_side_binding"] = True
    # Their few statements are planned once a connection, but for a pooled one (prepare_threshold
    # None).
    ingest["OPTIONS"].setdefault("prepare_threshold", 2)
    # A refresh is rare: its connection is not kept.
    reports = _connection(server, config, pooled=pooled) | {"CONN_MAX_AGE": 0}
    # What a pooled session cannot bring belongs to a role.
    without_triggers = {} if pooled else {"session_replication_role": "replica"}
    unchecked = _connection(server, config, pooled=pooled, **without_triggers)
    unchecked["OPTIONS"]["server_side_binding"] = True
    unchecked["OPTIONS"].setdefault("prepare_threshold", 2)
    if config.separate_roles:
        ingest |= _login(WRITER_ROLE, secrets_dir)
        unchecked |= _login(UNCHECKED_ROLE if pooled else WRITER_ROLE, secrets_dir)
        reports |= _login(REPORT_WRITER_ROLE, secrets_dir)
        if role == "service":
            default |= _login(SERVICE_ROLE, secrets_dir)
    mirror = {"TEST": {"MIRROR": "default"}}
    databases = {"default": default, "ingest": ingest | mirror, "reports": reports | mirror}
    if config.foreign_keys == "batch" and (config.separate_roles or not pooled):
        databases["unchecked"] = unchecked | mirror
    return databases


def writer_connection() -> psycopg.Connection:
    """Return this thread's connection for dataset rows, in autocommit mode; a new one if it broke.

    Raises `Unavailable` where the database cannot be reached.
    """
    return _usable(connections["ingest"])


def unchecked_connection() -> psycopg.Connection | None:
    """Return this thread's connection for rows whose foreign keys ingest has checked itself.

    No trigger fires there, nor those that check foreign keys (session_replication_role). None where
    `database.foreign_keys` says so, where the role may not have it, and behind a pooler without
    roles.
    """
    if "unchecked" not in connections.settings or not _may_check_itself():
        return None
    return _usable(connections["unchecked"])


@cache
def _may_check_itself() -> bool:
    """Return whether the administrator was a superuser when `setup_db` made the roles."""
    asked = "SELECT has_parameter_privilege('session_replication_role', 'SET')"
    row = writer_connection().execute(asked).fetchone()
    return bool(row and row[0])


def reader_connection() -> psycopg.Connection:
    """Return this thread's connection of the service's own role, as `writer_connection` does."""
    return _usable(connections["default"])


def report_connection() -> psycopg.Connection:
    """Return this thread's connection for refreshing reports, as `writer_connection` does."""
    return _usable(connections["reports"])


def _usable(wrapper: BaseDatabaseWrapper) -> psycopg.Connection:
    if wrapper.connection is not None and (wrapper.connection.closed or wrapper.connection.broken):
        wrapper.close()
    try:
        wrapper.ensure_connection()
    except DatabaseError as error:
        raise Unavailable("The database cannot be reached") from error
    return cast("psycopg.Connection", wrapper.connection)


def renew_connections(**signal: Any) -> None:
    """Close this thread's unusable connections; have the next request try the others before use."""
    for wrapper in connections.all(initialized_only=True):
        wrapper.close_if_unusable_or_obsolete()
        # An error in this request had it tried already: that must not count for the next one.
        wrapper.health_check_done = False  # type: ignore[attr-defined]


def use_port(databases: Iterable[dict[str, Any]], port: int) -> None:
    """Connect this process, which has no connection yet, to the embedded server's port."""
    for database in databases:
        database["PORT"] = str(port)


def role_password(role: str, secrets_dir: Path) -> str:
    """Return the password of one of Rowhouse's own roles, made at first use."""
    return read_or_create_secret(secrets_dir / f"{role}_password")


def primary_message(error: Exception) -> str:
    """Return what PostgreSQL says about one of Django's database errors, without its details."""
    diagnosis = getattr(error.__cause__, "diag", None)
    return (diagnosis and diagnosis.message_primary) or str(error).strip()


def _login(role: str, secrets_dir: Path) -> dict[str, str]:
    return {"USER": role, "PASSWORD": role_password(role, secrets_dir)}


def _parse_url(url: str, key_path: str) -> dict[str, Any]:
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        raise ConfigError(
            f"{key_path}: not a PostgreSQL connection URL", key_path=key_path
        ) from error
    options = {
        key: value
        for key, value in parts.items()
        if key not in {"host", "port", "user", "password", "dbname"}
    }
    return {
        "HOST": parts.get("host") or EMBEDDED_HOST,
        "PORT": str(parts.get("port") or 5432),
        "USER": parts.get("user") or EMBEDDED_USER,
        "PASSWORD": parts.get("password") or "",
        "NAME": parts.get("dbname") or EMBEDDED_DATABASE,
        "OPTIONS": options,
    }


def _embedded(config: Database, data_dir: Path, secrets_dir: Path) -> dict[str, Any]:
    port_file = data_dir / "postgres" / "port"
    port = port_file.read_text().strip() if port_file.exists() else str(config.embedded.port)
    return {
        "HOST": EMBEDDED_HOST,
        "PORT": port,
        "USER": EMBEDDED_USER,
        "PASSWORD": read_or_create_secret(secrets_dir / "postgres_password"),
        "NAME": EMBEDDED_DATABASE,
        "OPTIONS": {},
    }


def _connection(
    server: dict[str, Any], config: Database, *, pooled: bool, **settings: str
) -> dict[str, Any]:
    options: dict[str, Any] = {
        "connect_timeout": 5,
        # Said with each BEGIN, whatever the database's default is: what a batch finds after it has
        # waited for a lock must be what is there then.
        "isolation_level": IsolationLevel.READ_COMMITTED,
        **server["OPTIONS"],
    }
    if pooled:
        # A transaction-pooled connection keeps no session state: no server-side prepared
        # statements, and settings come from ALTER ROLE instead of the start-up packet.
        options["prepare_threshold"] = None
    else:
        options["options"] = " ".join(
            [
                "-c search_path=service",
                *(f"-c {name}={value}" for name, value in OUTPUT_SETTINGS.items()),
                f"-c statement_timeout={config.statement_timeout_s}s",
                f"-c lock_timeout={config.lock_timeout_s}s",
                *(f"-c {name}={value}" for name, value in settings.items()),
            ]
        )
    return {
        **server,
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": None,
        # A connection that broke between two requests is replaced before the next one uses it.
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": pooled,
        "OPTIONS": options,
    }
