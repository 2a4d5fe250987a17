"""The refresh of each report as a scheduled job."""

from project.base.schedule import Schedule
from project.jobs.registry import Job, time_zone
from reports.engine.registry import find_report, find_reports
from reports.engine.report_table import refresh_report


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
