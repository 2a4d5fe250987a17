"""One run of a job: claimed under an advisory lock, recorded with its outcome."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from django.db import connections
from django.db.models import Max

from project.jobs.registry import Job
from project.models import JobRun

logger = logging.getLogger("rowhouse.jobs")

KEPT = timedelta(days=90)
KILLED = "the process ended before the job did"

Outcome = JobRun.Outcome


def run_job(job: Job, tick: datetime) -> JobRun:
    """Run the job for the moment it was due, unless that is done already; return the record.

    Whoever comes second, to the same tick or while the job still runs, records `skipped`. A
    failure is recorded, not raised.
    """
    with _lock_job(job.name) as is_held:
        if not is_held:
            return _record_skip(job, tick, "it is running already")
        mark_killed(job.name)
        if _is_handled(job, tick):
            return _record_skip(job, tick, "another scheduler ran it")
        return _run(job, tick)


def last_tick(name: str) -> datetime | None:
    """Return the latest moment for which a run of the job was recorded, None without any."""
    found: datetime | None = JobRun.objects.filter(job=name).aggregate(Max("tick"))["tick__max"]
    return found


def mark_killed_runs() -> list[str]:
    """Record every run as failed whose process is gone; return the jobs' names."""
    running = JobRun.objects.filter(outcome=Outcome.RUNNING).values_list("job", flat=True)
    marked = []
    for name in sorted(set(running)):
        with _lock_job(name) as is_held:
            if is_held and mark_killed(name):
                marked.append(name)
    return marked


def mark_killed(name: str) -> int:
    """Record the job's unfinished runs as failed; the caller holds the job's lock."""
    return JobRun.objects.filter(job=name, outcome=Outcome.RUNNING).update(
        outcome=Outcome.FAILED, finished_at=datetime.now(UTC), error=KILLED
    )


def forget_job_runs() -> str:
    """Delete the records of runs that are older than 90 days."""
    deleted, _ = JobRun.objects.filter(started_at__lt=datetime.now(UTC) - KEPT).delete()
    return f"{deleted} forgotten"


def _is_handled(job: Job, tick: datetime) -> bool:
    runs = JobRun.objects.filter(job=job.name, tick__gte=tick)
    return runs.exclude(outcome=Outcome.SKIPPED).exists()


def _record_skip(job: Job, tick: datetime, why: str) -> JobRun:
    now = datetime.now(UTC)
    return JobRun.objects.create(
        job=job.name, tick=tick, started_at=now, finished_at=now, outcome=Outcome.SKIPPED, note=why
    )


def _run(job: Job, tick: datetime) -> JobRun:
    run = JobRun.objects.create(
        job=job.name, tick=tick, started_at=datetime.now(UTC), outcome=Outcome.RUNNING
    )
    started = time.perf_counter()
    try:
        run.note = job.run()
        run.outcome = Outcome.OK
    except Exception as error:  # a job may fail in any way; the scheduler goes on
        logger.exception("job failed", extra={"job": job.name})
        run.outcome = Outcome.FAILED
        run.error = f"{type(error).__name__}: {error}"
    run.duration_ms = round((time.perf_counter() - started) * 1000, 2)
    run.finished_at = datetime.now(UTC)
    run.save(update_fields=["note", "outcome", "error", "duration_ms", "finished_at"])
    logger.info("job", extra={"job": job.name, "outcome": run.outcome, "ms": run.duration_ms})
    return run


@contextmanager
def _lock_job(name: str) -> Iterator[bool]:
    """Hold the job's lock, if it is free, on a connection of its own until the block ends.

    The lock belongs to a transaction, so that it works through PgBouncer and goes with a killed
    process; the transaction has no snapshot and keeps nothing from being vacuumed.
    """
    holder = connections["default"].copy()
    try:
        holder.set_autocommit(False)
        with holder.cursor() as cursor:
            cursor.execute("SELECT set_config('idle_in_transaction_session_timeout', '0', true)")
            cursor.execute(
                "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))",
                [f"rowhouse.job.{name}"],
            )
            is_held = bool(cursor.fetchone()[0])
        yield is_held
        # Now, and not whenever the server notices that the connection is closed.
        holder.rollback()
    finally:
        holder.close()
