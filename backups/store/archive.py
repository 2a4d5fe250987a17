"""The folder of all backups: listed, found by id, name or tables."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from django.conf import settings

from backups.errors import BackupError, BackupUnknown
from backups.store.files import PRIVATE_FOLDER
from backups.store.folder import Backup
from backups.store.manifest import MANIFEST_NAME
from backups.store.selection import choose_tables

_TIME = "%Y%m%dT%H%M%SZ"
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_NAME = re.compile(rf"(?P<time>\d{{8}}T\d{{6}}Z)-(?P<id>{_UUID})", re.ASCII)
DRAFT_PREFIX = ".draft-"
REMOVED_PREFIX = ".removed-"


def archive_folder() -> Path:
    """Return the folder of all backups, created where it is missing."""
    folder = Path(settings.CONFIG.backups.folder or settings.BASE_DIR / "backups" / "archive")
    folder = settings.BASE_DIR / folder
    folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    return folder


def folder_name(run: UUID, now: datetime) -> str:
    """Return the name of a run's folder: its time in UTC and its id."""
    return f"{now.astimezone(UTC).strftime(_TIME)}-{run}"


def list_backups() -> list[Backup]:
    """Return every backup that was finished, newest first; drafts and links are none."""
    found = []
    for path in archive_folder().iterdir():
        match = _NAME.fullmatch(path.name)
        if match is None or path.is_symlink() or not (path / MANIFEST_NAME).is_file():
            continue
        taken_at = datetime.strptime(match["time"], _TIME).replace(tzinfo=UTC)
        found.append(Backup(path, UUID(match["id"]), taken_at))
    return sorted(found, key=lambda backup: backup.folder.name, reverse=True)


def find_backup(wanted: str | None) -> Backup:
    """Return the backup with this id or folder name, the newest one for None.

    Raise `BackupUnknown` where there is none.
    """
    for backup in list_backups():
        if wanted in {None, str(backup.id), backup.folder.name}:
            return backup
    raise BackupUnknown("There is no backup" if wanted is None else f"There is no backup {wanted}")


def find_backup_of(tables: Sequence[str]) -> Backup:
    """Return the newest backup that has all these tables, the newest complete one for none.

    Raise `BackupUnknown` where there is none.
    """
    for backup in list_backups():
        try:
            manifest = backup.read()
            choose_tables(manifest.tables, tables)
        except BackupError:
            continue
        if tables or manifest.complete:
            return backup
    raise BackupUnknown(f"There is no backup of {', '.join(tables) or 'all tables'}")


def find_leftovers(folder: Path) -> Iterator[Path]:
    """Yield what killed runs left behind: drafts, and backups that were being removed."""
    for path in folder.iterdir():
        if path.name.startswith((DRAFT_PREFIX, REMOVED_PREFIX)) and not path.is_symlink():
            yield path
