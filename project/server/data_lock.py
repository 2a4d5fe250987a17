"""The lock of the data folder: one service runs on it, and others find its address there."""

import fcntl
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from project.base.errors import RowhouseError

_NAME = "up.lock"
_RECORD = re.compile(r"(?P<address>\S+) \(process (?P<process>\d+)\)\n")


class AlreadyRunning(RowhouseError):
    """Rowhouse is already running on this data folder."""

    code = "already_running"


@contextmanager
def lock_data_folder(data_dir: Path) -> Iterator[Callable[[str], None]]:
    """Hold the lock of the data folder; yield a function that records the service's address.

    Raises `AlreadyRunning` with the address of the service that holds it.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir / _NAME
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            where = path.read_text(encoding="utf-8").strip() or "it is just starting"
            raise AlreadyRunning(f"Rowhouse is already running: {where}") from error

        def record_address(address: str) -> None:
            file.truncate(0)
            file.write(f"{address} (process {os.getpid()})\n")
            file.flush()

        file.truncate(0)
        yield record_address
        file.truncate(0)


def find_running(data_dir: Path) -> str | None:
    """Return the address of the service that runs on the data folder, None where none does."""
    try:
        found = _RECORD.fullmatch((data_dir / _NAME).read_text(encoding="utf-8"))
        if found is None:
            return None
        os.kill(int(found["process"]), 0)
    except OSError:  # there is no record, or one that was left behind by a kill
        return None
    return found["address"]
