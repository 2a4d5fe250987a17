"""Which jobs there are, what runs them and when they are due.

Jobs with a line under `schedules.jobs` in rest_conf.yml are named in `settings.JOBS`; further
ones (one for each report) come from the functions in `settings.JOB_PROVIDERS`.
"""

from dataclasses import dataclass

from django.conf import settings
from django.utils.module_loading import import_string

from project.base.errors import ConfigError
from project.base.schedule import Schedule


@dataclass(frozen=True, kw_only=True)
class Job:
    """Something that is run on a schedule; what it returns, if anything, is recorded."""

    name: str
    function: str  # dotted path
    schedule: Schedule
    arguments: tuple[str, ...] = ()

    def run(self) -> str:
        """Call the function; return its result as the text to be recorded."""
        result = import_string(self.function)(*self.arguments)
        return "" if result is None else str(result)


class JobUnknown(ConfigError):
    """There is no job with this name."""

    code = "job_unknown"


def list_jobs() -> list[Job]:
    """Return every job that has a schedule, as the settings and the report files are now."""
    jobs = [
        Job(name=name, function=settings.JOBS[name], schedule=Schedule(expression, time_zone()))
        for name, expression in settings.CONFIG.schedules.jobs.items()
        if expression is not None
    ]
    for provider in settings.JOB_PROVIDERS:
        jobs.extend(import_string(provider)())
    return jobs


def find_job(name: str) -> Job:
    """Return the job with this name; raise `JobUnknown` where there is none."""
    for job in list_jobs():
        if job.name == name:
            return job
    raise JobUnknown(f"There is no job {name!r} with a schedule")


def time_zone() -> str:
    """Return the time zone that schedules are read in."""
    return str(settings.CONFIG.schedules.time_zone)
