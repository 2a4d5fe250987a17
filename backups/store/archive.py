"""The folder of all backups: listed, found by id, name or tables."""

import os
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings

from backups.errors import (
    ArchiveMissing,
    BackupDamaged,
    BackupError,
    BackupInFuture,
    BackupUnknown,
)
from backups.store.files import PRIVATE_FOLDER, open_private, sync_folder
from backups.store.folder import Backup
from backups.store.manifest import Manifest
from backups.store.selection import choose_tables

_TIME = "%Y%m%dT%H%M%SZ"
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_NAME = re.compile(rf"(?P<time>\d{{8}}T\d{{6}}Z)-(?P<id>{_UUID})", re.ASCII)
DRAFT_PREFIX = ".draft-"
REMOVED_PREFIX = ".removed-"
MARKER_NAME = ".rowhouse-archive"

# Two machines' clocks may differ by this much before one is taken to be wrong.
CLOCK_TOLERANCE = timedelta(minutes=5)


def archive_folder() -> Path:
    """Return the folder of all backups, which may be missing."""
    folder = Path(settings.CONFIG.backups.folder or settings.BASE_DIR / "backups" / "archive")
    return settings.BASE_DIR / folder


def mark_archive() -> Path:
    """Make the folder where it is missing, and its marker; return the folder.

    The marker is made once: where it is missing later, so is the disk that should be mounted.
    """
    folder = archive_folder()
    folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    with open_private(folder / MARKER_NAME, "a") as marker:
        os.fsync(marker.fileno())
    sync_folder(folder)
    return folder


def require_archive() -> Path:
    """Return the folder to write a backup to; raise `ArchiveMissing` where it has no marker."""
    folder = archive_folder()
    if not (folder / MARKER_NAME).is_file():
        raise ArchiveMissing(
            f"{folder} has no file {MARKER_NAME}: is its disk mounted? "
            "`manage.py init_archive` makes a new archive of it"
        )
    return folder


def folder_name(run: UUID, now: datetime) -> str:
    """Return the name of a run's folder: its time in UTC and its id."""
    return f"{now.astimezone(UTC).strftime(_TIME)}-{run}"


def list_backups() -> list[Backup]:
    """Return every folder with the name of a backup, newest first; drafts and links are none."""
    folder = archive_folder()
    paths = folder.iterdir() if folder.exists() else ()
    found = [backup for path in paths if (backup := _open_folder(path)) is not None]
    return sorted(found, key=lambda backup: backup.folder.name, reverse=True)


def _open_folder(path: Path) -> Backup | None:
    match = _NAME.fullmatch(path.name)
    if match is None or path.is_symlink() or not path.is_dir():
        return None
    taken_at = datetime.strptime(match["time"], _TIME).replace(tzinfo=UTC)
    return Backup(path, UUID(match["id"]), taken_at)


def locate_backup(named: str) -> Backup:
    """Return the backup in a folder, wherever it is, or the archive's with this id or name.

    Raises `BackupUnknown`. The path may be any that this process can read.
    """
    return _open_folder(Path(named).absolute()) or find_backup(named)


def find_backup(wanted: str | None) -> Backup:
    """Return the backup with this id or folder name, the newest one for None.

    Raise `BackupUnknown` where there is none, and for None `BackupDamaged` or `BackupInFuture`
    where the newest one is not to be trusted.
    """
    for backup in list_backups():
        if wanted is None:
            check_newest(backup)
        if wanted in {None, str(backup.id), backup.folder.name}:
            return backup
    raise BackupUnknown("There is no backup" if wanted is None else f"There is no backup {wanted}")


def find_backup_of(tables: Sequence[str]) -> Backup:
    """Return the newest backup that has all these tables, the newest complete one for none.

    Raise `BackupUnknown` where there is none, `BackupDamaged` or `BackupInFuture` where a newer
    one is not to be trusted: whoever wants an older one has to name it.
    """
    for backup in list_backups():
        manifest = check_newest(backup)
        try:
            choose_tables(manifest.tables, tables)
        except BackupError:
            continue
        if tables or manifest.complete:
            return backup
    raise BackupUnknown(f"There is no backup of {', '.join(tables) or 'all tables'}")


def check_newest(backup: Backup) -> Manifest:
    """Return the manifest of a backup that is to be used because it is the newest.

    Raise `BackupDamaged` or `BackupInFuture`, with the backup's name, where it must not be.
    """
    name = backup.folder.name
    try:
        manifest = backup.read()
    except BackupDamaged as error:
        raise BackupDamaged(
            f"{name} is damaged: {error.message}. Name an older one to use that instead"
        ) from error
    if is_in_future(max(backup.taken_at, manifest.snapshot_at)):
        raise BackupInFuture(f"{name} is dated in the future: name the backup that is wanted")
    return manifest


def is_in_future(moment: datetime) -> bool:
    """Return whether a moment is later than the clock says: one of the two is wrong."""
    return moment > datetime.now(UTC) + CLOCK_TOLERANCE


def find_leftovers(folder: Path) -> Iterator[Path]:
    """Yield what killed runs left behind: drafts, and backups that were being removed."""
    for path in folder.iterdir():
        if path.name.startswith((DRAFT_PREFIX, REMOVED_PREFIX)) and not path.is_symlink():
            yield path
