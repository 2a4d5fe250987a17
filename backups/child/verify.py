"""Backup files verified by a child process."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from backups.child.process import ChildProcess
from backups.errors import BackupDamaged, FileRefused
from backups.progress import NO_PROGRESS, Progress
from backups.store.folder import Backup, Problem

SHOWN_PROBLEMS = 5


def find_problems(
    backup: Backup,
    *,
    tables: Sequence[str] = (),
    decode: bool = True,
    progress: Progress = NO_PROGRESS,
) -> list[Problem]:
    """Return all that is wrong with a backup: sizes, checksums, schemas, counts, records.

    Without `decode`, the contents of the blocks are not read. With `tables` (full names), only
    their files are opened.
    """
    return _ask_about(backup, progress, task="check", tables=list(tables), decode=decode)


def refuse_problems(backup: Backup, problems: Sequence[Problem]) -> None:
    """Raise `BackupDamaged` where there are problems."""
    if problems:
        raise BackupDamaged(
            f"{backup.folder.name} is damaged: {_list_first(problems)}",
            problems=[str(one) for one in problems],
        )


def verify_with_second_reader(backup: Backup) -> None:
    """Raise `BackupDamaged` unless another reader (fastavro) reads every file as ours does."""
    problems = _ask_about(backup, NO_PROGRESS, task="compare")
    if problems:
        raise BackupDamaged(f"{backup.folder.name} is not read by others: {_list_first(problems)}")


def verify_external_file(path: Path) -> None:
    """Raise `FileRefused` unless every record of another tool's file can be decoded."""
    problems = _ask(path, NO_PROGRESS, task="check_external")
    if problems:
        raise FileRefused(str(problems[0]))


def _list_first(problems: Sequence[Problem]) -> str:
    return "; ".join(map(str, problems[:SHOWN_PROBLEMS]))


def _ask_about(backup: Backup, progress: Progress, **task: Any) -> list[Problem]:
    return _ask(backup.folder, progress, manifest_sha256=backup.manifest_sha256, **task)


def _ask(path: Path, progress: Progress, **task: Any) -> list[Problem]:
    problems = []
    with closing(ChildProcess()) as child:
        child.ask(path, **task)
        for answer in child.answers():
            if answer.rows is not None:
                progress.add_rows(answer.rows)
            elif answer.problem is not None:
                problems.append(answer.problem)
    return problems
