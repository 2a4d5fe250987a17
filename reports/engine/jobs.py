"""The refresh of each report as a scheduled job, and the one that deletes old records."""

from datetime import UTC, datetime, timedelta

from project.base.schedule import Schedule
from project.jobs.registry import Job, time_zone
from reports.engine.registry import find_report, find_reports
from reports.engine.report_table import refresh_report
from reports.models import ReportRun

RUNS_KEPT = timedelta(days=90)


def list_report_jobs() -> list[Job]:
    """Return a job for each report that has a schedule."""
    return [
        Job(
            name=f"report:{definition.name}",
            function="reports.engine.jobs.refresh",
            schedule=Schedule(definition.schedule, time_zone()),
            arguments=(definition.name,),
        )
        for definition in find_reports().found.values()
        if definition.schedule is not None
    ]


def refresh(name: str) -> str:
    """Refresh a report; say what was done."""
    refreshed = refresh_report(find_report(name))
    return f"{refreshed.outcome}, {refreshed.rows} rows"


def forget_report_runs() -> str:
    """Delete the records of refreshes that are older than 90 days."""
    deleted, _ = ReportRun.objects.filter(started_at__lt=datetime.now(UTC) - RUNS_KEPT).delete()
    return f"{deleted} forgotten"
