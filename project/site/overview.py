"""What the dashboard shows: read from catalog, statistics and records, never from a dataset."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import psycopg
from psycopg import Connection

from backups.models import BackupRun
from backups.runs.status import BackupStatus, read_backup_status
from project.base.moments import lowest_id
from project.base.sql_files import read_sql
from project.jobs.registry import list_jobs
from reports.engine.contents import Status as ReportStatus
from reports.engine.contents import read_only_snapshot, read_statuses
from reports.engine.definition import Definition
from reports.engine.registry import find_reports

SQL = Path(__file__).parent / "sql"

HOURS = 24
# Of each table's open rejections no more are looked at for the chart of reasons.
MOST_REJECTIONS = 10_000

_SIZES = """
SELECT oid, pg_total_relation_size(oid), pg_relation_size(oid) = 0
FROM unnest(%s::oid[]) AS part (oid)
"""


@dataclass(frozen=True, slots=True)
class TableState:
    """A table; `rows` is estimated, `bytes` holds its indexes, both None where nobody knows."""

    name: str
    comment: str | None
    rows: int | None
    bytes: int | None
    last_batch: UUID | None
    last_batch_at: datetime | None


@dataclass(frozen=True, slots=True)
class Hour:
    """The rows of one hour."""

    start: datetime
    stored: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Reasons:
    """How many open rejections have each code; `are_all` is False where old ones are left out."""

    counts: list[tuple[str, int]]
    are_all: bool


@dataclass(frozen=True, slots=True)
class ReportState:
    """A report; `status` is None where it was never refreshed."""

    definition: Definition
    status: ReportStatus | None


@dataclass(frozen=True, slots=True)
class BackupState:
    """What backups there are, None where the folder cannot be read; the last run to make one."""

    status: BackupStatus | None
    last_run: BackupRun | None


@dataclass(frozen=True, slots=True)
class JobState:
    """A scheduled job: when it is due, and how its last run ended, None without one."""

    next_run: datetime
    name: str
    expression: str
    outcome: str | None = None
    started_at: datetime | None = None
    error: str | None = None


def read_tables(connection: Connection, schemas: Sequence[str]) -> list[TableState]:
    """Return every exposed table, ordered by its full name."""
    found = connection.execute(read_sql(SQL / "tables.sql"), {"schemas": list(schemas)}).fetchall()
    sizes = _read_sizes(connection, [oid for row in found for oid in row[3]])
    states = []
    for name, comment, rows, oids, *last_batch in found:
        parts = [sizes[oid] for oid in oids if oid in sizes]
        size = sum(size for size, _ in parts) if parts else None
        if parts and all(is_empty for _, is_empty in parts):
            rows = 0  # a table without a byte has no row, whatever is known of it
        states.append(TableState(name, comment, rows, size, *last_batch))
    return states


def read_hours(connection: Connection, now: datetime) -> list[Hour]:
    """Return the last 24 hours, the one that has begun among them."""
    this_hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    starts = [this_hour - timedelta(hours=back) for back in reversed(range(HOURS))]
    rows = connection.execute(
        read_sql(SQL / "hours.sql"), {"since": starts[0], "lowest": lowest_id(starts[0])}
    )
    counts = {start: (stored, rejected) for start, stored, rejected in rows}
    return [Hour(start, *counts.get(start, (0, 0))) for start in starts]


def read_reasons(connection: Connection, tables: Sequence[str]) -> Reasons:
    """Return the reasons of open rejections of these tables, the most frequent first."""
    parameters = {"tables": list(tables), "most": MOST_REJECTIONS}
    rows = connection.execute(read_sql(SQL / "reasons.sql"), parameters).fetchall()
    return Reasons(
        [(code, count) for code, count, _ in rows], are_all=not any(row[2] for row in rows)
    )


def read_reports() -> list[ReportState]:
    """Return every report, ordered by its name."""
    with read_only_snapshot() as connection:
        statuses = read_statuses(connection)
    return [
        ReportState(definition, statuses.get(name))
        for name, definition in sorted(find_reports().found.items())
    ]


def read_backups() -> BackupState:
    """Return how the backups stand."""
    runs = BackupRun.objects.filter(kind=BackupRun.Kind.BACKUP).order_by("-pk")
    try:
        status = read_backup_status()
    except OSError:
        status = None
    return BackupState(status, runs.first())


def read_jobs(connection: Connection, now: datetime) -> list[JobState]:
    """Return every scheduled job, the next one first."""
    jobs = list_jobs()
    rows = connection.execute(read_sql(SQL / "job_runs.sql"), {"names": [job.name for job in jobs]})
    runs = {name: run for name, *run in rows}
    states = [
        JobState(
            job.schedule.following(now), job.name, job.schedule.expression, *runs.get(job.name, ())
        )
        for job in jobs
    ]
    return sorted(states, key=lambda job: (job.next_run, job.name))


def _read_sizes(connection: Connection, oids: Sequence[int]) -> dict[int, tuple[int, bool]]:
    """Return the bytes of tables with their indexes, and whether there are none without these.

    Nothing is returned where that cannot be told at once.
    Sizes are asked of the files under a lock, for which one waits while a definition is changed
    or a restored table takes the place of another.
    """
    try:
        with connection.transaction():
            connection.execute("SET LOCAL lock_timeout = '100ms'")
            rows = connection.execute(_SIZES, [list(oids)]).fetchall()
            return {oid: (size, is_empty) for oid, size, is_empty in rows if size is not None}
    except psycopg.errors.LockNotAvailable:
        return {}
