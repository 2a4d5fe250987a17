"""A PostgreSQL server for the test run, up before Django's settings are read.

Loaded with `-p tests.plugin`. The workers of pytest-xdist inherit the server through the
environment. With ROWHOUSE_TEST_EXTERNAL=1 the server that DATABASE_URL leads to is used instead.
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
from hypothesis import settings

from project.cluster import ServerSettings
from project.database import EMBEDDED_DATABASE
from project.postgres import start_server, stop_server
from tests.scale import USUAL

settings.register_profile("long", max_examples=20 * USUAL)

# Every run has a folder here and holds the lock of its file `lock` while it lives.
RUNS = Path(tempfile.gettempdir()) / f"rowhouse-tests-{os.geteuid()}"

# A caller's own settings must not change what is tested.
_FOREIGN = ("ROWHOUSE_CONFIG", "ROWHOUSE_ROLE", "PORT", "SECRET_KEY", "DJANGO_SETTINGS_MODULE")

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
    atexit.register(_remove_run, folder, lock)


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
