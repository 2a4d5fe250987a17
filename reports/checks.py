"""System checks: rest_conf.yml names only jobs and reports that exist."""

from typing import Any

from django.conf import settings
from django.core.checks import Error, register

from reports.engine.registry import find_reports


@register()
def check_jobs(**kwargs: Any) -> list[Error]:
    """Compare `schedules.jobs` with the jobs the program has."""
    given, known = set(settings.CONFIG.schedules.jobs), set(settings.JOBS)
    errors = [
        Error(f"rest_conf.yml: schedules.jobs.{name}: there is no such job", id="project.E001")
        for name in sorted(given - known)
    ]
    return errors + [
        Error(
            f"rest_conf.yml: schedules.jobs.{name}: missing",
            hint="Give it a cron expression, or null for never.",
            id="project.E002",
        )
        for name in sorted(known - given)
    ]


@register()
def check_reports(**kwargs: Any) -> list[Error]:
    """Compare `reports.definitions` with the report files, and read these."""
    reports = find_reports()
    unknown = set(settings.CONFIG.reports.definitions) - set(reports.found) - set(reports.broken)
    errors = [
        Error(f"rest_conf.yml: reports.definitions.{name}: no such report", id="reports.E001")
        for name in sorted(unknown)
    ]
    return errors + [
        Error(error.message, id="reports.E002")
        for error in reports.broken.values()
        if "key_path" in error.fields
    ]
