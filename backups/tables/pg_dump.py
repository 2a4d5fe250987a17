"""What `pg_dump -s` says of a schema: every definition in it, as SQL that creates it again."""

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from backups.errors import BackupError
from project.server.postgres.cluster import program

# pg_dump would wait for whoever waits for the snapshot's own locks.
LOCK_TIMEOUT_MS = 5000
TIMEOUT_S = 600
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")


def dump_definitions(conninfo: str, schema: str, *, snapshot: str | None = None) -> bytes:
    """Return the definitions of a schema, in the exported snapshot if one is named.

    Raises `BackupError` where no pg_dump can read the server, or one fails.
    """
    login = {name: str(value) for name, value in conninfo_to_dict(conninfo).items()}
    # Others can see a process's arguments.
    password = login.pop("password", "")
    environment = {"PATH": os.defpath, "LC_ALL": "C", "PGPASSWORD": password}
    options = [f"--snapshot={snapshot}"] if snapshot is not None else []
    command: list[str | Path] = [
        *(_find_program(_read_major_version(conninfo)), "--schema-only", "--encoding=UTF8"),
        *(f"--schema={_quote(schema)}", f"--lock-wait-timeout={LOCK_TIMEOUT_MS}", *options),
        "--dbname=" + make_conninfo("", **login),
    ]
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, check=False, timeout=TIMEOUT_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BackupError(f"pg_dump does not run: {error}") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise BackupError(f"pg_dump failed: {said.splitlines()[0] if said else done.returncode}")
    return done.stdout


def _read_major_version(conninfo: str) -> int:
    with psycopg.connect(conninfo) as connection:
        return connection.info.server_version // 10000


@cache
def _find_program(server: int) -> Path:
    """Return a pg_dump that can read servers of this major version: one at least as new."""
    system = [*Path("/usr/lib/postgresql").glob("*/bin/pg_dump"), *_on_path()]
    for path in (program("pg_dump"), *system):
        if path.is_file() and _program_version(path) >= server:
            return path
    raise BackupError(f"There is no pg_dump for PostgreSQL {server}: install its client programs")


def _on_path() -> list[Path]:
    found = shutil.which("pg_dump")
    return [Path(found)] if found else []


def _program_version(path: Path) -> int:
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    match = _VERSION.search(done.stdout)
    return int(match[1]) if match else 0


def _quote(schema: str) -> str:
    """Return a pattern of pg_dump that only this name matches."""
    return '"{}"'.format(schema.replace('"', '""'))
