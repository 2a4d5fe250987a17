"""Scheduled jobs: due once, run once, recorded."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from pytest_django import Settings

from ingest.models import Batch, IdempotencyKey
from project.base.schedule import Schedule
from project.jobs.crontab import catch_up, list_cron_lines, run_if_due
from project.jobs.registry import Job, list_jobs
from project.jobs.runs import KILLED, forget_job_runs, mark_killed_runs, run_job
from project.jobs.scheduler import Scheduler
from project.models import JobRun
from tests.database import database_environment, holding_lock

pytestmark = pytest.mark.usefixtures("database")

START = datetime(2024, 5, 1, 10, 0, 30, tzinfo=UTC)
TICKS = 100

_calls: list[str] = []


class SetClock:
    """A clock that only moves when it is told to wait."""

    def __init__(self, now: datetime = START) -> None:
        self.moment = now
        self.waits_left = 0

    def now(self) -> datetime:
        return self.moment

    def wait(self, seconds: float) -> bool:
        for thread in threading.enumerate():
            if thread.name == "note":  # a minute is long enough for this job
                thread.join()
        self.moment += timedelta(seconds=seconds)
        self.waits_left -= 1
        return self.waits_left < 0


@pytest.fixture(autouse=True)
def calls() -> Iterator[list[str]]:
    _calls.clear()
    yield _calls
    _calls.clear()


def note_call(word: str) -> str:
    _calls.append(word)
    return f"noted {word}"


def fail() -> None:
    raise ValueError("it went wrong")


def job(name: str = "note", expression: str = "* * * * *", function: str = "note_call") -> Job:
    arguments = (name,) if function == "note_call" else ()
    return Job(
        name=name,
        function=f"{__name__}.{function}",
        schedule=Schedule(expression),
        arguments=arguments,
    )


def outcomes(name: str = "note") -> list[str]:
    return list(JobRun.objects.filter(job=name).order_by("id").values_list("outcome", flat=True))


def test_a_run_is_recorded_with_what_it_said_and_how_long_it_took() -> None:
    run_job(job(), START)
    run = JobRun.objects.get()
    assert (run.job, run.tick, run.outcome, run.note) == ("note", START, "ok", "noted note")
    assert run.duration_ms is not None
    assert run.finished_at is not None


def test_a_failure_is_recorded_and_not_raised() -> None:
    run_job(job("bad", function="fail"), START)
    run = JobRun.objects.get()
    assert (run.outcome, run.error) == ("failed", "ValueError: it went wrong")


def test_two_schedulers_give_one_run_a_tick(calls: list[str]) -> None:
    clock = SetClock()
    both = [Scheduler(clock, lambda: [job()]) for _ in range(2)]
    for one in both:
        one.run_due_jobs()  # each knows the job before the other can have recorded its first tick
    for _ in range(TICKS):
        clock.moment += timedelta(minutes=1)
        threads = [threading.Thread(target=run_and_close, args=(one,)) for one in both]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(calls) == TICKS
    assert outcomes().count("ok") == TICKS
    assert outcomes().count("skipped") == TICKS
    ticks = JobRun.objects.filter(outcome="ok").values_list("tick", flat=True)
    assert len(set(ticks)) == TICKS


def run_and_close(scheduler: Scheduler) -> None:
    try:
        scheduler.run_due_jobs()
    finally:
        connections.close_all()


def test_a_new_job_starts_with_its_next_tick() -> None:
    clock = SetClock()
    scheduler = Scheduler(clock, lambda: [job(expression="0 * * * *")])
    assert scheduler.run_due_jobs() == 0
    clock.moment = datetime(2024, 5, 1, 11, 0, 1, tzinfo=UTC)
    assert scheduler.run_due_jobs() == 1


def test_missed_ticks_are_caught_up_once(calls: list[str]) -> None:
    run_job(job(), START.replace(second=0))
    later = SetClock(START + timedelta(days=2))
    scheduler = Scheduler(later, lambda: [job()])
    assert scheduler.run_due_jobs() == 1
    assert scheduler.run_due_jobs() == 0
    assert len(calls) == 2


def test_the_loop_runs_due_jobs_until_it_is_stopped(calls: list[str]) -> None:
    clock = SetClock()
    clock.waits_left = 9  # two minutes and a bit, in steps of at most 15 s
    Scheduler(clock, lambda: [job()]).run()
    assert sorted(set(outcomes())) == ["ok"]
    assert len(calls) == 2


def test_a_job_that_still_runs_is_skipped() -> None:
    with holding_lock("rowhouse.job.note"):
        assert run_job(job(), START).outcome == "skipped"
    assert run_job(job(), START).outcome == "ok"


def test_a_killed_run_is_marked_failed_by_the_next_tick() -> None:
    script = (
        "import django, os, signal; django.setup();"
        "from tests.integration.test_jobs import job, START;"
        "from project.jobs.runs import run_job;"
        "run_job(job('note', function='kill_process'), START)"
    )
    environment = database_environment() | {"DJANGO_SETTINGS_MODULE": "project.settings"}
    done = subprocess.run([sys.executable, "-c", script], cwd=settings.BASE_DIR, env=environment)
    assert done.returncode == -signal.SIGKILL
    assert outcomes() == ["running"]
    run_job(job(), START + timedelta(minutes=1))
    first, second = JobRun.objects.order_by("id")
    assert (first.outcome, first.error) == ("failed", KILLED)
    assert second.outcome == "ok"


def kill_process() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_running_job_is_not_taken_for_a_killed_one() -> None:
    JobRun.objects.create(job="note", tick=START, started_at=START, outcome="running")
    with holding_lock("rowhouse.job.note"):
        assert mark_killed_runs() == []
    assert mark_killed_runs() == ["note"]
    assert outcomes() == ["failed"]


def test_every_job_of_the_settings_runs(settings: Settings) -> None:
    names = {one.name for one in list_jobs()}
    assert {
        "expire_idempotency_keys",
        "forget_job_runs",
        "forget_report_runs",
        "report:hires_by_quarter",
        "report:departments_above_mean",
    } <= names
    for one in list_jobs():
        run = run_job(one, START)
        assert run.outcome == "ok", (one.name, run.error)


def test_only_keys_whose_time_is_over_expire() -> None:
    now = datetime.now(UTC)
    for key, expires_at in (("old", now - timedelta(seconds=1)), ("new", now + timedelta(hours=1))):
        IdempotencyKey.objects.create(
            key_prefix="p",
            key=key,
            request_hash=b"",
            batch=Batch(id="0190163d-8694-739b-aea5-966c26f8ad90"),
            created_at=now,
            expires_at=expires_at,
        )
    job_ = next(one for one in list_jobs() if one.name == "expire_idempotency_keys")
    assert run_job(job_, START).note == "1"
    assert list(IdempotencyKey.objects.values_list("key", flat=True)) == ["new"]


def test_old_records_of_runs_are_forgotten() -> None:
    for days in (1, 100):
        moment = datetime.now(UTC) - timedelta(days=days)
        JobRun.objects.create(job="x", tick=moment, started_at=moment, outcome="ok")
    assert forget_job_runs() == "1 forgotten"
    assert JobRun.objects.count() == 1


def test_cron_runs_a_job_once_a_tick() -> None:
    now = datetime(2024, 5, 1, 10, 15, 2, tzinfo=UTC)
    name = "report:hires_by_quarter"
    assert run_if_due(name, now) is True
    assert run_if_due(name, now + timedelta(seconds=50)) is False
    assert run_if_due(name, now + timedelta(minutes=15)) is True
    assert outcomes(name) == ["ok", "ok"]


def test_cron_catches_up_what_was_missed_once() -> None:
    now = datetime(2024, 5, 1, 10, 15, 2, tzinfo=UTC)
    assert run_if_due("report:hires_by_quarter", now)
    later = now + timedelta(hours=7, minutes=3)
    assert catch_up(later) == 1
    assert catch_up(later) == 0


def test_every_job_has_a_line_for_cron() -> None:
    lines = list_cron_lines()
    assert ("*/15 * * * *", "project.jobs.crontab.run_if_due", ["report:hires_by_quarter"]) in lines
    assert len(lines) == len(list_jobs()) + 1


def test_a_machine_without_crontab_is_told_so(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.CRONTAB_EXECUTABLE = "/nowhere/crontab"
    call_command("crontab", "add")
    assert "no crontab program" in capsys.readouterr().err
