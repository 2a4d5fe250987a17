"""The state of the backups, as Prometheus is told."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from django.db import DatabaseError
from django.db.models import Count
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from backups.errors import BackupError
from backups.models import BackupRun
from backups.runs.status import read_backup_status

FINISHED = sorted({*BackupRun.State.values} - {BackupRun.State.QUEUED, BackupRun.State.RUNNING})


class BackupCollector(Collector):
    """Reads the status at every scrape."""

    def collect(self) -> Iterator[Metric]:
        """Yield what is known; nothing while the archive or the database cannot be read."""
        try:
            status, runs = read_backup_status(), _count_runs()
        except (BackupError, DatabaseError, OSError):
            return
        yield _describe_moments(
            "rowhouse_backup_last_good", "last good backup", status.good_at, status.tables_good_at
        )
        yield _describe_moments(
            "rowhouse_backup_last_proven",
            "last proof of a backup by a restore",
            status.proven_at,
            status.tables_proven_at,
        )
        yield GaugeMetricFamily("rowhouse_backups", "Backups that are kept", value=status.count)
        yield runs

    def describe(self) -> list[Metric]:
        """Return nothing, so that registering does not query the database."""
        return []


def _describe_moments(
    name: str, words: str, whole: datetime | None, tables: Mapping[str, datetime]
) -> Metric:
    metric = GaugeMetricFamily(
        f"{name}_timestamp_seconds", f"Time of the {words}, of all tables and by table"
    )
    if whole is not None:
        metric.add_sample(metric.name, {}, whole.timestamp())
    for table, moment in tables.items():
        metric.add_sample(metric.name, {"table": table}, moment.timestamp())
    return metric


def _count_runs() -> Metric:
    metric = CounterMetricFamily(
        "rowhouse_backup_runs", "Runs of backups that have ended", labels=["state"]
    )
    ended = BackupRun.objects.filter(kind=BackupRun.Kind.BACKUP).values_list("state")
    counts = dict(ended.annotate(Count("pk")))
    for state in FINISHED:
        metric.add_metric([state], counts.get(state, 0))
    return metric
