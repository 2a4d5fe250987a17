"""What Prometheus is told: the age of the last good backup and of the last proven one."""

from collections.abc import Iterator
from datetime import UTC, datetime

from django.db import DatabaseError
from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from backups.runs.status import read_status


class BackupCollector(Collector):
    """Asks anew at every scrape."""

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges; those that nobody knows are left out."""
        try:
            status = read_status()
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
        """Return nothing, so that registering does not ask the database."""
        return []


def register_metrics() -> None:
    """Add the gauges to what the metrics page shows."""
    REGISTRY.register(BackupCollector())
