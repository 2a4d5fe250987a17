"""The loop that runs due jobs where no cron daemon does, each in a thread of its own."""

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Protocol

from django.db import Error as DatabaseError
from django.db import connections

from project.jobs.registry import Job, list_jobs
from project.jobs.runs import last_tick, mark_killed_runs, run_job

logger = logging.getLogger("rowhouse.jobs")

MAX_WAIT_S = 15.0  # a machine that slept wakes up to a clock that has moved on
STOP_TIMEOUT_S = 10.0


class Clock(Protocol):
    """Tells the time and waits."""

    def now(self) -> datetime:
        """Return this moment, with its offset."""

    def wait(self, seconds: float) -> bool:
        """Return True at once when the scheduler is to stop, False when the time is over."""


class SystemClock:
    """The machine's own clock; `stop` ends the waiting."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def now(self) -> datetime:
        """Return this moment."""
        return datetime.now(UTC)

    def wait(self, seconds: float) -> bool:
        """Wait, unless or until `stop` is called."""
        return self._stopped.wait(seconds)

    def stop(self) -> None:
        """Have every wait end."""
        self._stopped.set()


class Scheduler:
    """Runs each tick of a job once; any number of schedulers may run side by side."""

    def __init__(self, clock: Clock, jobs: Callable[[], list[Job]] = list_jobs) -> None:
        self._clock = clock
        self._jobs = jobs
        self._started = clock.now()
        self._handled: dict[str, datetime] = {}
        self._threads: dict[str, threading.Thread] = {}

    def run(self) -> None:
        """Run due jobs until the clock says stop; then wait a little for those that run."""
        while True:
            try:
                self.start_due_jobs()
            except DatabaseError:
                logger.exception("the database cannot be reached; due jobs wait")
                connections.close_all()
            if self._clock.wait(self._pause()):
                break
        for thread in self._threads.values():
            thread.join(STOP_TIMEOUT_S)

    def start_due_jobs(self) -> None:
        """Start every job that is due, unless its last run by this scheduler still goes on."""
        mark_killed_runs()
        for job, tick in self.find_due():
            running = self._threads.get(job.name)
            if running is None or not running.is_alive():
                thread = threading.Thread(
                    target=self._run, args=(job, tick), name=job.name, daemon=True
                )
                self._threads[job.name] = thread
                self._handled[job.name] = tick
                thread.start()

    def run_due_jobs(self) -> int:
        """Run every due job, one after another; return how many there were."""
        due = list(self.find_due())
        for job, tick in due:
            self._handled[job.name] = tick
            run_job(job, tick)
        return len(due)

    def find_due(self) -> Iterator[tuple[Job, datetime]]:
        """Yield the jobs that are due and since when.

        However many ticks were missed while nothing ran, a job is due once, for the latest. A job
        without any record starts with its first tick after the scheduler's start.
        """
        now = self._clock.now()
        for job in self._jobs():
            tick = job.schedule.latest(now)
            done = self._handled.get(job.name)
            if done is None:
                done = self._handled[job.name] = last_tick(job.name) or self._started
            if tick > done:
                yield job, tick

    def _run(self, job: Job, tick: datetime) -> None:
        try:
            run_job(job, tick)
        except DatabaseError:
            logger.exception("a job's run could not be recorded", extra={"job": job.name})
            self._handled.pop(job.name, None)  # it is due still
        finally:
            connections.close_all()

    def _pause(self) -> float:
        now = self._clock.now()
        return min(60 - now.second - now.microsecond / 1e6, MAX_WAIT_S)
