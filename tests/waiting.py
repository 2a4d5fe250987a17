"""Waiting for what another process does."""

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

PATIENCE_S = 60.0
_never = threading.Event()


def wait_until(
    is_so: Callable[[], object],
    what: str,
    *,
    patience_s: float = PATIENCE_S,
    log: Path | None = None,
) -> None:
    """Return as soon as the condition holds; fail the test, with the log, when it does not."""
    deadline = time.monotonic() + patience_s
    while not is_so():
        if time.monotonic() > deadline:
            logged = log.read_text() if log is not None and log.exists() else ""
            pytest.fail(f"{what}: not after {patience_s:g} s\n{logged}")
        _never.wait(0.05)


def is_listening(port: int) -> bool:
    """Return whether a process of this machine takes connections on the port."""
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0


def find_free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_alive(process: psutil.Process) -> bool:
    """Return whether a process runs: it may end while it is looked at."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
