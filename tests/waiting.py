"""Waiting for what another process does."""

import threading
import time
from collections.abc import Callable

import psutil
import pytest

PATIENCE_S = 60.0
_never = threading.Event()


def wait_until(is_so: Callable[[], object], what: str, *, patience_s: float = PATIENCE_S) -> None:
    """Return as soon as the condition holds; fail the test when it does not in time."""
    deadline = time.monotonic() + patience_s
    while not is_so():
        if time.monotonic() > deadline:
            pytest.fail(f"{what}: not after {patience_s:g} s")
        _never.wait(0.05)


def is_alive(process: psutil.Process) -> bool:
    """Return whether a process runs: it may end while it is looked at."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
