"""A PostgreSQL server for the test run, up before Django's settings are read.

Loaded with `-p tests.plugin`. The workers of pytest-xdist inherit the server through the
environment. With ROWHOUSE_TEST_EXTERNAL=1 the server that DATABASE_URL leads to is used instead.
With ROWHOUSE_TEST_POOLER=1 everything but set-up and backups reaches it through a PgBouncer in
transaction mode, and tests marked `session` are left out.
"""

import atexit
import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from hypothesis import HealthCheck, settings

from project.base.database import EMBEDDED_DATABASE
from project.server.postgres.cluster import ServerSettings
from project.server.postgres.server import start_server, stop_server
from tests.pooler import find_pgbouncer, is_wanted, lead_through_pooler, stop_pooler
from tests.scale import USUAL

# How long a machine that is busy with other tests takes says nothing about an example.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")
settings.register_profile("long", max_examples=20 * USUAL)

# Every run has a folder here and holds the lock of its file `lock` while it lives.
RUNS = Path(tempfile.gettempdir()) / f"rowhouse-tests-{os.geteuid()}"

# A caller's own settings must not change what is tested.
_FOREIGN = (
    "DATABASE_DIRECT_URL",
    "DJANGO_SETTINGS_MODULE",
    "PORT",
    "PYTHONDONTWRITEBYTECODE",  # every process that a test starts would compile all modules
    "ROWHOUSE_CONFIG",
    "ROWHOUSE_ROLE",
    "SECRET_KEY",
)

_FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
}


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Iterator[None]:
    """Start the server before pytest-django loads the settings (which are read once)."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        _prepare_run()
    return (yield)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs a session of its own where there are only transactions."""
    if not is_wanted():
        return
    left_out = [item for item in items if item.get_closest_marker("session")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def _prepare_run() -> None:
    RUNS.mkdir(exist_ok=True)
    _remove_leftovers()
    folder = RUNS / secrets.token_hex(4)
    folder.mkdir()
    lock = _lock(folder)
    for name in _FOREIGN:
        os.environ.pop(name, None)
    os.environ["ROWHOUSE_DATA"] = str(folder)
    os.environ["ROWHOUSE_LOGS"] = str(folder / "logs")
    if os.environ.get("ROWHOUSE_TEST_EXTERNAL") != "1":
        server = start_server(_server_settings(folder))
        os.environ["DATABASE_URL"] = server.conninfo(EMBEDDED_DATABASE)
    if is_wanted():
        _need_pgbouncer()
        os.environ |= lead_through_pooler(folder, os.environ["DATABASE_URL"])
    atexit.register(_remove_run, folder, lock)


def _need_pgbouncer() -> None:
    if find_pgbouncer() is None:
        in_ci = os.environ.get("ROWHOUSE_TEST_ALL") == "1"
        reason = "PgBouncer is not installed (tests/install_packages.sh does it)"
        pytest.exit(reason, returncode=int(in_ci))


def _server_settings(folder: Path) -> ServerSettings:
    return ServerSettings(
        folder=folder / "postgres",
        password=secrets.token_urlsafe(16),
        port=0,
        shared_buffers="64MB",
        max_connections=250,
        extra=_FAST,
    )


def _remove_run(folder: Path, lock: IO[str] | None) -> None:
    stop_pooler(folder / "pooler")
    if (folder / "postgres").exists():
        stop_server(_server_settings(folder))
    shutil.rmtree(folder, ignore_errors=True)
    if lock is not None:
        lock.close()


def _remove_leftovers() -> None:
    # What a run that was killed left behind: its server still runs.
    for folder in RUNS.iterdir():
        lock = _lock(folder)
        if lock is not None:
            _remove_run(folder, lock)


def _lock(folder: Path) -> IO[str] | None:
    file = (folder / "lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file
