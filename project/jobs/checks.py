"""A system check: rest_conf.yml gives a schedule to each job that exists, and to no other."""

from typing import Any

from django.conf import settings
from django.core.checks import Error, register


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
