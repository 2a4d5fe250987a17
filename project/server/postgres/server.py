"""The embedded PostgreSQL: made, started and stopped through the binaries of a Python wheel.

`initdb` and `pg_ctl` do the work; the server listens on TCP over loopback and asks a password.
"""

import fcntl
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from project.base.config import Embedded
from project.base.database import EMBEDDED_HOST, EMBEDDED_USER
from project.base.secrets import read_or_create_secret
from project.server.postgres.cluster import (
    ServerSettings,
    check_version,
    make_data_folder,
    program,
    write_settings,
    write_where_changed,
)
from project.server.postgres.os_user import OsUser, OsUserError, check_owner, choose_os_user
from project.server.postgres.postmaster import (
    PostgresError,
    find_postmaster,
    remove_leftovers,
    wait_until_gone,
    wait_until_ready,
)

logger = logging.getLogger("rowhouse.postgres")

START_TIMEOUT_S = 300  # recovery after a crash replays up to max_wal_size
STOP_TIMEOUT_S = 60
PORT_ATTEMPTS = 5


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server that takes connections; `started` is False where it was running already."""

    settings: ServerSettings
    pid: int
    port: int
    started: bool

    def conninfo(self, database: str) -> str:
        """Return the administrator's connection URL of a database."""
        password = quote(self.settings.password, safe="")
        return f"postgresql://{EMBEDDED_USER}:{password}@{EMBEDDED_HOST}:{self.port}/{database}"


def read_server_settings(config: Embedded, *, data_dir: Path, secrets_dir: Path) -> ServerSettings:
    """Return the settings of the server in the data folder."""
    return ServerSettings(
        folder=data_dir / "postgres",
        password=read_or_create_secret(secrets_dir / "postgres_password"),
        port=config.port,
        shared_buffers=config.shared_buffers,
        max_connections=config.max_connections,
    )


def start_server(settings: ServerSettings) -> Server:
    """Return the running server, made and started where it is not.

    Two callers at once get the same server. Raise `PostgresError` or `OsUserError`.
    """
    check_owner(settings.data)
    try:
        settings.folder.mkdir(parents=True, exist_ok=True)
        with _lock_folder(settings.folder):
            started = _start_where_needed(settings)
            ready = wait_until_ready(settings.data, timeout_s=START_TIMEOUT_S)
            write_where_changed(_port_file(settings), f"{ready.port}\n")
    except PermissionError as error:
        raise OsUserError(f"{error.filename}: {error.strerror}") from error
    except OSError as error:  # a full disk, for one
        raise PostgresError(f"{error.filename or settings.folder}: {error.strerror}") from error
    if settings.port and ready.port != settings.port:
        logger.warning("port %d is busy: PostgreSQL listens on %d", settings.port, ready.port)
    return Server(settings=settings, pid=ready.pid, port=ready.port, started=started)


def stop_server(settings: ServerSettings) -> None:
    """End the server's sessions and stop it; one that is not there or not running is left so."""
    if not settings.data.exists():
        return
    with _lock_folder(settings.folder):
        if find_postmaster(settings.data) is None:
            return
        user = choose_os_user(data=settings.data, program=program("pg_ctl"))
        for mode in ("fast", "immediate"):
            timeout = ["-w", "-t", str(STOP_TIMEOUT_S)]
            output = _pg_ctl(user, settings, "stop", "-m", mode, *timeout)
            if wait_until_gone(settings.data, timeout_s=1):
                _port_file(settings).unlink(missing_ok=True)
                return
    raise PostgresError(f"PostgreSQL does not stop: {output}")


def repair_password(server: Server) -> Server:
    """Give the administrator the password of the settings, where it is another.

    A lost `var/secrets` is made anew with other passwords than the data knows. The server, which
    is this user's own, is stopped, given the new one in single-user mode, and started again.
    """
    if _accepts_password(server):
        return server
    settings = server.settings
    logger.warning("the administrator's password is not the one in var/secrets: setting it anew")
    stop_server(settings)
    with _lock_folder(settings.folder):
        _set_password(settings)
    return start_server(replace(settings, port=server.port))


def _accepts_password(server: Server) -> bool:
    try:
        psycopg.connect(server.conninfo("postgres")).close()
    except psycopg.OperationalError as error:
        # A refused login has no SQLSTATE here; the server speaks English (its locale is C).
        if "password authentication failed" in str(error):
            return False
        raise
    return True


def _set_password(settings: ServerSettings) -> None:
    user = choose_os_user(data=settings.data, program=program("postgres"))
    statement = sql.SQL("ALTER ROLE {} PASSWORD {}\n").format(
        sql.Identifier(EMBEDDED_USER), sql.Literal(settings.password)
    )
    # On its standard input: an argument could be seen by everybody.
    options = ["--single", "-c", "exit_on_error=on", "-D", str(settings.data), "postgres"]
    done = user.run([program("postgres"), *options], cwd=settings.data, stdin=statement.as_string())
    if done.returncode != 0:
        raise PostgresError(
            f"The administrator's password could not be set anew: {done.stdout.strip()[-500:]}"
        )


def create_database(server: Server, name: str) -> bool:
    """Create a database; return False where it was there already."""
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if found.fetchone():
            return False
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return True


@contextmanager
def _lock_folder(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            logger.warning("PostgreSQL is being started or stopped already: waiting for that")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _start_where_needed(settings: ServerSettings) -> bool:
    running = find_postmaster(settings.data)
    if running is not None and running.status == "stopping":
        wait_until_gone(settings.data, timeout_s=STOP_TIMEOUT_S)
        running = find_postmaster(settings.data)
    if running is None:
        _make_and_start(settings)
    return running is None


def _make_and_start(settings: ServerSettings) -> None:
    user = choose_os_user(data=settings.data, program=program("postgres"))
    if user.capability:
        logger.warning(
            "PostgreSQL holds the capability %s: user %d may not enter the folders around %s",
            user.capability,
            user.uid,
            settings.folder,
        )
    if not settings.data.exists():
        make_data_folder(user, settings)
    check_version(settings)
    remove_leftovers(settings.data)
    _start(user, settings)


def _start(user: OsUser, settings: ServerSettings) -> None:
    port = settings.port
    for _ in range(PORT_ATTEMPTS):
        port = _find_free_port(port)
        write_settings(user, settings, port)
        log = settings.data / "log" / "start.log"
        log.unlink(missing_ok=True)
        timeout = ["-w", "-t", str(START_TIMEOUT_S)]
        output = _pg_ctl(user, settings, "start", *timeout, "--log", str(log))
        if find_postmaster(settings.data) is not None:
            return
        if log.exists():
            output = log.read_text(encoding="utf-8", errors="replace")
        if port == _find_free_port(port):  # it failed for another reason than a stolen port
            break
    raise PostgresError(f"PostgreSQL does not start: {output.strip()}")


def _pg_ctl(user: OsUser, settings: ServerSettings, *arguments: str) -> str:
    target = ["--silent", f"--pgdata={settings.data}"]
    done = user.run([program("pg_ctl"), *arguments, *target], cwd=settings.data)
    return done.stdout.strip()


def _find_free_port(first: int) -> int:
    for port in range(first, 65536):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((EMBEDDED_HOST, port))
            except (OSError, PermissionError):
                continue
            return int(probe.getsockname()[1])
    raise PostgresError(f"There is no free port from {first} on")


def _port_file(settings: ServerSettings) -> Path:
    return settings.folder / "port"
