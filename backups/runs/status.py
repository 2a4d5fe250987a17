"""How the backups stand: for people, the API and the metrics."""

from dataclasses import dataclass
from datetime import datetime

from backups.models import BackupRun
from backups.store.archive import list_backups
from backups.store.folder import Backup


@dataclass(frozen=True)
class Status:
    """When the last good backup was taken and one was last proven; None where there is none."""

    count: int
    good_at: datetime | None
    proven_at: datetime | None


def read_status() -> Status:
    """Return how many backups there are, when the last was taken, when one was last proven."""
    backups = list_backups()
    proven = [moment for moment in read_proofs(backups).values() if moment]
    return Status(
        count=len(backups),
        good_at=backups[0].taken_at if backups else None,
        proven_at=max(proven, default=None),
    )


def read_proofs(backups: list[Backup]) -> dict[Backup, datetime | None]:
    """Return when each backup was last proven restorable."""
    known = dict(
        BackupRun.objects.filter(pk__in=[backup.id for backup in backups]).values_list(
            "pk", "proven_at"
        )
    )
    return {backup: known.get(backup.id) for backup in backups}
