"""The processes of a PostgreSQL data folder: the running server, and orphans of a killed one."""

import time
import zlib
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import psutil

from project.base.errors import RowhouseError

STEP_S = 0.02
ORPHAN_TIMEOUT_S = 5.0


class PostgresError(RowhouseError):
    """The embedded PostgreSQL does not work."""

    code = "postgres_failed"


@dataclass(frozen=True, kw_only=True)
class Postmaster:
    """A running server process, as its postmaster.pid describes it."""

    pid: int
    port: int
    status: str  # starting | ready | stopping | standby; empty in its first moment


def cluster_name(data: Path) -> str:
    """Return what the server of a data folder calls itself in the titles of its processes."""
    return f"rowhouse-{zlib.crc32(bytes(data)):08x}"


def find_postmaster(data: Path) -> Postmaster | None:
    """Return the server that runs on this data folder, None where there is none."""
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


def remove_leftovers(data: Path) -> None:
    """Remove what a killed server left, so that a new one can start; call it with none running.

    Its orphaned processes still hold the shared memory, and the process id in postmaster.pid may
    be a zombie's or another program's by now: PostgreSQL would refuse to start for either.
    """
    orphans = [process for process in psutil.process_iter() if _belongs_to(data, process)]
    for method in ("terminate", "kill"):
        for process in orphans:
            with suppress(psutil.NoSuchProcess):
                getattr(process, method)()
        orphans = _wait_for_end(data, orphans)
    if find_postmaster(data) is None:
        (data / "postmaster.pid").unlink(missing_ok=True)


def _wait_for_end(data: Path, processes: list[psutil.Process]) -> list[psutil.Process]:
    # Not psutil.wait_procs: it waits for zombies too, which nobody may ever collect.
    deadline = time.monotonic() + ORPHAN_TIMEOUT_S
    while processes and time.monotonic() < deadline:
        time.sleep(STEP_S)
        processes = [process for process in processes if _belongs_to(data, process)]
    return processes


def _read_pid_file(data: Path) -> Postmaster | None:
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        pid, port = int(lines[0]), int(lines[3])
    except (FileNotFoundError, IndexError, ValueError):
        return None
    return Postmaster(pid=abs(pid), port=port, status=lines[7].strip() if len(lines) > 7 else "")


def _is_server_of(data: Path, pid: int) -> bool:
    try:
        process = psutil.Process(pid)
        command = process.cmdline()
        is_backend = " ".join(command).startswith("postgres: ")
        is_server = process.name() == "postgres" and not is_backend
    except psutil.Error:
        return False
    if not is_server:
        return False
    folder = dict(pairwise(command)).get("-D", "")
    # Started by hand, not by pg_ctl, its command line may lack the folder.
    return not folder.startswith("/") or Path(folder).resolve() == data


def _belongs_to(data: Path, process: psutil.Process) -> bool:
    # Not by the working directory: in a container root may not read another user's.
    try:
        title = " ".join(process.cmdline())
    except psutil.Error:
        return False
    return title.startswith(f"postgres: {cluster_name(data)}: ")
