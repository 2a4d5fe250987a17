"""The processes of a PostgreSQL data folder: the living server, and what a killed one left."""

import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from project.errors import RowhouseError

STEP_S = 0.02
ORPHAN_PATIENCE_S = 5.0


class PostgresError(RowhouseError):
    """The embedded PostgreSQL does not work."""

    code = "postgres_failed"


@dataclass(frozen=True, kw_only=True)
class Postmaster:
    """A living server process, as its postmaster.pid describes it."""

    pid: int
    port: int
    status: str  # starting | ready | stopping | standby; empty in its first moment


def find_postmaster(data: Path) -> Postmaster | None:
    """Return the server that lives on this data folder, None where there is none."""
    postmaster = _read_pid_file(data)
    if postmaster is None or not _is_server_of(data, postmaster.pid):
        return None
    return postmaster


def wait_until_ready(data: Path, *, timeout_s: float) -> Postmaster:
    """Return the server once it takes connections; raise `PostgresError` when it does not."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        postmaster = find_postmaster(data)
        if postmaster is None:
            raise PostgresError("PostgreSQL stopped while it was starting")
        if postmaster.status == "ready":
            return postmaster
        time.sleep(STEP_S)
    raise PostgresError(f"PostgreSQL was not ready after {timeout_s:.0f} s")


def wait_until_gone(data: Path, *, timeout_s: float) -> bool:
    """Return whether the server on this data folder ended in time."""
    deadline = time.monotonic() + timeout_s
    while find_postmaster(data) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(STEP_S)
    return True


def clear_leftovers(data: Path) -> None:
    """Make way for a new server where the last one was killed; call it with none living.

    Its orphaned processes still hold the shared memory, and the process id in postmaster.pid may
    be a zombie's or another program's by now: PostgreSQL would refuse to start for either.
    """
    orphans = [process for process in psutil.process_iter() if _works_in(data, process)]
    for process in orphans:
        _signal(process, "terminate")
    _, stubborn = psutil.wait_procs(orphans, timeout=ORPHAN_PATIENCE_S)
    for process in stubborn:
        _signal(process, "kill")
    psutil.wait_procs(stubborn, timeout=ORPHAN_PATIENCE_S)
    if find_postmaster(data) is None:
        (data / "postmaster.pid").unlink(missing_ok=True)


def _read_pid_file(data: Path) -> Postmaster | None:
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        pid, port = int(lines[0]), int(lines[3])
    except (FileNotFoundError, IndexError, ValueError):
        return None
    return Postmaster(pid=abs(pid), port=port, status=lines[7].strip() if len(lines) > 7 else "")


def _is_server_of(data: Path, pid: int) -> bool:
    try:
        return _works_in(data, psutil.Process(pid))
    except psutil.Error:
        return False


def _works_in(data: Path, process: psutil.Process) -> bool:
    # Every process of a server has the data folder as its working directory; a zombie has none.
    try:
        return process.name().startswith("postgres") and Path(process.cwd()) == data
    except (psutil.Error, OSError):
        return False


def _signal(process: psutil.Process, method: str) -> None:
    try:
        getattr(process, method)()
    except psutil.NoSuchProcess:
        return
