"""Why one of the backups is used, and what is wrong with the newer ones."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from backups.errors import BackupDamaged, BackupError
from backups.store.archive import is_in_future, list_backups
from backups.store.folder import Backup
from backups.store.origin import is_signed
from backups.store.selection import choose_tables


class NewerBackup(msgspec.Struct, frozen=True):
    """A backup that is newer than the one that is used."""

    backup: str
    taken_at: datetime
    state: str


class BackupChoice(msgspec.Struct, frozen=True):
    """Why a backup is used; `newer` are those that are not, newest first."""

    reason: str
    newer: tuple[NewerBackup, ...]


def explain_choice(chosen: Backup, tables: Sequence[str], *, is_named: bool) -> BackupChoice:
    """Return why a backup is used for these tables, all of them for none."""
    newer = tuple(
        NewerBackup(one.folder.name, one.taken_at, "; ".join(_describe(one, tables)) or "good")
        for one in list_backups()
        if one.folder.name > chosen.folder.name
    )
    if is_named:
        return BackupChoice("it was asked for", newer)
    what = f"that has {', '.join(tables)}" if tables else "of all tables"
    return BackupChoice(f"the newest {what}", newer)


def _describe(backup: Backup, tables: Sequence[str]) -> Iterator[str]:
    try:
        sealed = backup.read_sealed()
    except BackupDamaged as error:
        yield f"damaged: {error.message}"
        return
    manifest = sealed.manifest
    if is_in_future(max(backup.taken_at, manifest.snapshot_at)):
        yield "dated in the future"
    if not is_signed(sealed):
        yield "of unknown origin"
    if manifest.failures:
        yield f"incomplete: lacks {', '.join(manifest.failures)}"
    elif not manifest.complete:
        yield "of chosen tables"
    try:
        choose_tables(manifest.tables, tables)
    except BackupError as error:
        yield error.message
