"""Backup files verified from a distance: in a child process with limits of memory and time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backups.child.check import find_strangers
from backups.child.process import Inspection
from backups.errors import BackupDamaged, FileRefused
from backups.store.folder import Backup
from backups.store.manifest import Manifest

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
    return _inspect(backup.folder, progress, task="backup", tables=list(tables), records=records)


def check_backup(backup: Backup, *, tables: Sequence[str] = (), records: bool = True) -> None:
    """Raise `BackupDamaged` with every problem unless the backup is whole."""
    problems = find_problems(backup, tables=tables, records=records)
    if problems:
        words = "; ".join(map(str, problems[:5]))
        raise BackupDamaged(
            f"{backup.folder.name} is damaged: {words}", problems=[str(one) for one in problems]
        )


def check_readable(backup: Backup) -> None:
    """Raise `BackupDamaged` unless another reader (fastavro) reads every file as ours does."""
    problems = _inspect(backup.folder, lambda rows: None, task="second")
    if problems:
        words = "; ".join(map(str, problems[:5]))
        raise BackupDamaged(f"{backup.folder.name} is not read by others: {words}")


def check_folder(backup: Backup, manifest: Manifest) -> None:
    """Raise `BackupDamaged` where files are missing, or there are more than the manifest knows."""
    problems = [f"{file}: {problem}" for file, problem in find_strangers(backup, manifest)]
    problems += [
        f"{entry.file}: The file is missing"
        for entry in manifest.tables
        if not backup.path_of(entry).is_file()
    ]
    if problems:
        raise BackupDamaged(f"{manifest.name} is damaged: {'; '.join(problems)}")


def check_foreign_file(path: Path, *, progress: Progress = lambda rows: None) -> None:
    """Raise `FileRefused` unless every record of a file that others wrote can be decoded."""
    problems = _inspect(path, progress, task="foreign")
    if problems:
        raise FileRefused(str(problems[0]))


def _inspect(path: Path, progress: Progress, **task: Any) -> list[Problem]:
    problems = []
    with Inspection() as inspection:
        inspection.ask(path, **task)
        for answer in inspection.answers():
            if answer.rows is not None:
                progress(answer.rows)
            elif answer.problem is not None:
                problems.append(Problem(*answer.problem))
    return problems
