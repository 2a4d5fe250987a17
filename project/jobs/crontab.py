"""The same jobs for a cron daemon: the lines of CRONJOBS and what they call."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from project.jobs.registry import Job, find_job, list_jobs
from project.jobs.runs import last_tick, mark_killed_runs, run_job

# Once an hour, for what cron missed while the machine was off.
CATCH_UP = "7 * * * *"

# A job without any record is due if its tick was this short a time ago: cron has just called.
FRESH = timedelta(minutes=2)

LOCAL_ZONE = Path("/etc/localtime")
ZONE_NAME = Path("/etc/timezone")

CronLine = tuple[str, str, list[str]]


def list_cron_lines() -> list[CronLine]:
    """Return django-crontab's CRONJOBS: a line for each job, and one that catches up."""
    zone = cron_zone()
    lines: list[CronLine] = [
        (job.schedule.for_cron(zone), "project.jobs.crontab.run_if_due", [job.name])
        for job in list_jobs()
    ]
    return [*lines, (CATCH_UP, "project.jobs.crontab.catch_up", [])]


def run_if_due(name: str, now: datetime | None = None) -> bool:
    """Run the job if its latest tick was not dealt with yet; return whether it was run."""
    return _run_if_due(find_job(name), now or datetime.now(UTC))


def catch_up(now: datetime | None = None) -> int:
    """Mark killed runs as failed and run what was missed; return how many were run."""
    mark_killed_runs()
    moment = now or datetime.now(UTC)
    # Only jobs that ran before can have missed anything.
    return sum(_run_if_due(job, moment) for job in list_jobs() if last_tick(job.name))


def cron_zone() -> str | None:
    """Return the machine's time zone, which cron reads its lines in; None where it is unknown."""
    _, _, name = str(LOCAL_ZONE.resolve()).partition("zoneinfo/")
    if not name and LOCAL_ZONE.exists():
        name = ZONE_NAME.read_text(encoding="ascii").strip() if ZONE_NAME.exists() else "?"
    name = name.removeprefix("posix/").removeprefix("Etc/") or "UTC"
    return None if name == "?" else name


def _run_if_due(job: Job, now: datetime) -> bool:
    tick = job.schedule.latest(now)
    if tick <= (last_tick(job.name) or now - FRESH):
        return False
    run_job(job, tick)
    return True
