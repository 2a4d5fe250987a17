"""How the backups stand: for people, the API and the metrics."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from backups.archive import Backup, list_backups
from backups.models import BackupRun


@dataclass(frozen=True)
class Status:
    """Ages in seconds; None where there is none."""

    count: int
    good_age_s: float | None
    proven_age_s: float | None


def read_status() -> Status:
    """Return how many backups there are, how old the last is, when one was last proven."""
    now = timezone.now()
    backups = list_backups()
    proven = [moment for moment in read_proofs(backups).values() if moment]
    return Status(
        count=len(backups),
        good_age_s=(now - backups[0].taken_at).total_seconds() if backups else None,
        proven_age_s=(now - max(proven)).total_seconds() if proven else None,
    )


def read_proofs(backups: list[Backup]) -> dict[Backup, datetime | None]:
    """Return when each backup was last proven restorable."""
    known = dict(
        BackupRun.objects.filter(pk__in=[backup.id for backup in backups]).values_list(
            "pk", "proven_at"
        )
    )
    return {backup: known.get(backup.id) for backup in backups}
