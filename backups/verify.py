"""Backup files verified from a distance: in a child process with limits of memory and time."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from django.conf import settings

from backups.archive import Backup
from backups.errors import BackupDamaged, FileRefused
from backups.inspection import Answer, Request

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Problem:
    """What is wrong with one file."""

    file: str
    problem: str

    def __str__(self) -> str:
        return f"{self.file}: {self.problem}"


def find_problems(
    backup: Backup,
    *,
    tables: Sequence[str] = (),
    records: bool = True,
    progress: Progress = lambda rows: None,
) -> list[Problem]:
    """Return all that is wrong with a backup: sizes, checksums, schemas, counts, records.

    Without `records`, whatever is inside the blocks is left unread. With `tables` (full names),
    only their files are looked into.
    """
    return _inspect(backup.folder, progress, tables=list(tables), records=records, foreign=False)


def check_backup(
    backup: Backup, *, tables: Sequence[str] = (), progress: Progress = lambda rows: None
) -> None:
    """Raise `BackupDamaged` with every problem unless the backup is whole."""
    problems = find_problems(backup, tables=tables, progress=progress)
    if problems:
        words = "; ".join(map(str, problems[:5]))
        raise BackupDamaged(
            f"{backup.folder.name} is damaged: {words}", problems=[str(one) for one in problems]
        )


def check_foreign_file(path: Path, *, progress: Progress = lambda rows: None) -> None:
    """Raise `FileRefused` unless every record of a file that others wrote can be decoded."""
    problems = _inspect(path, progress, tables=[], records=True, foreign=True)
    if problems:
        raise FileRefused(str(problems[0]))


def _inspect(
    path: Path, progress: Progress, *, tables: list[str], records: bool, foreign: bool
) -> list[Problem]:
    limits = settings.CONFIG.backups
    request = Request(
        path=str(path),
        foreign=foreign,
        records=records,
        tables=tables,
        memory_bytes=limits.check_memory_mb << 20,
        seconds=limits.check_timeout_s,
    )
    child = subprocess.Popen(
        [sys.executable, "-m", "backups.inspection"],
        cwd=settings.BASE_DIR,
        # One thread reserves less address space than one a core.
        env={**settings.COMMAND_ENVIRONMENT, "POLARS_MAX_THREADS": "1", "RUST_BACKTRACE": "0"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    alarm = threading.Timer(limits.check_timeout_s, child.kill)
    alarm.start()
    try:
        return _talk(child, request, path, progress)
    finally:
        alarm.cancel()
        child.kill()
        child.wait()


def _talk(
    child: "subprocess.Popen[bytes]", request: Request, path: Path, progress: Progress
) -> list[Problem]:
    problems = []
    with child:
        if child.stdin is None or child.stdout is None:
            raise RuntimeError("the child has no pipes")
        child.stdin.write(msgspec.json.encode(request))
        child.stdin.close()
        for line in child.stdout:
            answer = msgspec.json.decode(line, type=Answer)
            if answer.rows is not None:
                progress(answer.rows)
            elif answer.problem is not None:
                problems.append(Problem(*answer.problem))
            elif answer.done:
                return problems
    return [*problems, Problem(path.name, _describe_death(child.returncode))]


def _describe_death(code: int) -> str:
    if code < 0:
        return f"Its examination was ended by {signal.Signals(-code).name}: it is not safe to read"
    return "Its examination failed: it is not safe to read"
