"""The state of the backups, for people, the API and Prometheus."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import DatabaseError
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from backups.errors import BackupError
from backups.models import BackupRun
from backups.store.archive import check_newest, list_backups
from backups.store.folder import Backup


@dataclass(frozen=True)
class BackupStatus:
    """When the last good backup was taken and one was last proven; None where there is none.

    Only complete backups are good or prove anything. `warnings` tells of newer ones than the last
    good one that are damaged or dated in the future.
    """

    count: int
    good_at: datetime | None
    proven_at: datetime | None
    warnings: list[str]


def read_backup_status() -> BackupStatus:
    """Return how many backups there are, when the last was taken, when one was last proven."""
    backups = list_backups()
    warnings: list[str] = []
    good = next((one for one in backups if _is_good(one, warnings)), None)
    proven = [moment for one, moment in read_proofs(backups).items() if moment and _is_good(one)]
    return BackupStatus(
        count=len(backups),
        good_at=good.taken_at if good else None,
        proven_at=max(proven, default=None),
        warnings=warnings,
    )


def _is_good(backup: Backup, warnings: list[str] | None = None) -> bool:
    try:
        return check_newest(backup).complete
    except BackupError as error:
        if warnings is not None:
            warnings.append(error.message)
        return False


def read_proofs(backups: list[Backup]) -> dict[Backup, datetime | None]:
    """Return when each backup was last proven restorable."""
    known = dict(
        BackupRun.objects.filter(pk__in=[backup.id for backup in backups]).values_list(
            "pk", "proven_at"
        )
    )
    return {backup: known.get(backup.id) for backup in backups}


class BackupCollector(Collector):
    """Reads the status at every scrape."""

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges whose values are known."""
        try:
            status = read_backup_status()
        except (DatabaseError, OSError):
            return
        for name, help_text, moment in (
            ("rowhouse_backup_age_seconds", "Age of the last good backup", status.good_at),
            (
                "rowhouse_backup_proven_age_seconds",
                "Time since a restore last proved a backup good",
                status.proven_at,
            ),
        ):
            if moment is not None:
                age = datetime.now(UTC) - moment
                yield GaugeMetricFamily(name, help_text, value=age.total_seconds())
        yield GaugeMetricFamily("rowhouse_backups", "Backups that are kept", value=status.count)

    def describe(self) -> list[Metric]:
        """Return nothing, so that registering does not query the database."""
        return []
