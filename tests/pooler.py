"""A PgBouncer in transaction mode in front of a test's server: the distribution's own."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from project.server.postgres.os_user import choose_os_user
from project.server.postgres.pgbouncer import INI_NAME, USERS_NAME, write_pooler_files
from tests.waiting import find_free_port, is_listening, wait_until

BASE = Path(__file__).parents[1]


def is_wanted() -> bool:
    """Return whether the tests are to reach the database through PgBouncer."""
    return os.environ.get("ROWHOUSE_TEST_POOLER") == "1"


def lead_through_pooler(folder: Path, url: str) -> dict[str, str]:
    """Start a PgBouncer in front of a database; return the environment of who is to use it."""
    direct = conninfo_to_dict(url)
    server: dict[str, Any] = {
        "HOST": direct["host"],
        "PORT": direct["port"],
        "USER": direct["user"],
        "PASSWORD": direct["password"],
        "OPTIONS": {},
    }
    port = start_pooler(folder / "pooler", server, secrets_dir=folder / "secrets")
    config = folder / "rest_conf.yml"
    text = (BASE / "rest_conf.yml").read_text()
    config.write_text(text.replace("pooler: none ", "pooler: transaction "))
    return {
        # Patient: a busy machine's PgBouncer has to open sessions of its own first.
        "DATABASE_URL": make_conninfo(url, port=port, connect_timeout=60),
        "DATABASE_DIRECT_URL": url,
        "ROWHOUSE_CONFIG": str(config),
    }


def find_pgbouncer() -> Path | None:
    """Return the program, None where it is not installed."""
    found = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    return Path(found) if found else None


def start_pooler(folder: Path, server: Mapping[str, Any], *, secrets_dir: Path) -> int:
    """Start PgBouncer with its files in a new folder; return its port."""
    program = find_pgbouncer()
    assert program is not None, "PgBouncer is not installed (tests/install_packages.sh does it)"
    folder.mkdir()
    port = find_free_port()
    ini = write_pooler_files(
        folder, server, secrets_dir=secrets_dir, port=port, separate_roles=True
    )
    user = choose_os_user(data=folder / "data", program=program)
    for path in (folder, ini, folder / USERS_NAME):
        user.own(path)
    started = user.run([program, "-d", "-q", ini], cwd=folder)
    assert started.returncode == 0, started.stdout
    wait_until(lambda: is_listening(port), "PgBouncer answers", log=folder / "pgbouncer.log")
    return port


def stop_pooler(folder: Path) -> None:
    """Stop the PgBouncer that was started in the folder, if it still runs."""
    try:
        process = psutil.Process(int((folder / "pgbouncer.pid").read_text()))
        command = process.cmdline()
    except (OSError, ValueError, psutil.NoSuchProcess):
        return
    if str(folder / INI_NAME) in command:
        process.terminate()
        with suppress(psutil.Error, subprocess.TimeoutExpired):
            process.wait(10)
