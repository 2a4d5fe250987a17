"""The state of the backups, for people, the API and Prometheus."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter

from backups.errors import BackupError
from backups.models import BackupRun
from backups.store.archive import check_newest, is_in_future, list_backups
from backups.store.folder import Backup
from backups.store.origin import open_trusted


@dataclass(frozen=True)
class BackupStatus:
    """When the last good backup was taken and one was last proven; None where there is none.

    Good is one of all tables with a known origin and all its files, not dated in the future. By
    table also backups of chosen tables count. `warnings` name newer ones than the last good one
    that are damaged or dated in the future.
    """

    count: int
    good_at: datetime | None
    proven_at: datetime | None
    tables_good_at: Mapping[str, datetime]
    tables_proven_at: Mapping[str, datetime]
    warnings: Sequence[str]


def read_backup_status() -> BackupStatus:
    """Return how many backups there are, when the last was taken, when one was last proven."""
    backups = list_backups()
    proofs = read_proofs(backups).items()
    good_at, tables_good_at = _find_newest((backup, backup.taken_at) for backup in backups)
    proven_at, tables_proven_at = _find_newest((one, moment) for one, moment in proofs if moment)
    return BackupStatus(
        count=len(backups),
        good_at=good_at,
        proven_at=proven_at,
        tables_good_at=tables_good_at,
        tables_proven_at=tables_proven_at,
        warnings=list(_find_warnings(backups, good_at)),
    )


def read_proofs(backups: list[Backup]) -> dict[Backup, datetime | None]:
    """Return when each backup was last proven restorable."""
    known = dict(
        BackupRun.objects.filter(pk__in=[backup.id for backup in backups]).values_list(
            "pk", "proven_at"
        )
    )
    return {backup: known.get(backup.id) for backup in backups}


def _find_newest(
    dated: Iterable[tuple[Backup, datetime]],
) -> tuple[datetime | None, dict[str, datetime]]:
    """Return the newest moment of a good backup of all tables, and that of each table in it.

    Older manifests are not read.
    """
    tables: dict[str, datetime] = {}
    for backup, moment in sorted(dated, key=itemgetter(1), reverse=True):
        try:
            _, manifest = open_trusted(backup)
            backup.check_file_names(manifest)
        except BackupError:
            continue
        if is_in_future(max(backup.taken_at, manifest.snapshot_at)):
            continue
        for entry in manifest.tables:
            tables.setdefault(entry.full_name, moment)
        if manifest.complete:
            return moment, tables
    return None, tables


def _find_warnings(backups: Sequence[Backup], good_at: datetime | None) -> Iterator[str]:
    for backup in backups:
        if good_at is not None and backup.taken_at < good_at:
            return
        try:
            check_newest(backup)
        except BackupError as error:
            yield error.message
