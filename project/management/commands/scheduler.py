"""`manage.py scheduler`: run the scheduled jobs where no cron daemon does."""

import signal
from typing import Any

from django.core.management.base import BaseCommand

from project.jobs.registry import list_jobs
from project.jobs.scheduler import Scheduler, SystemClock


class Command(BaseCommand):
    help = "Run the jobs of rest_conf.yml when they are due, until stopped with Ctrl-C."

    def handle(self, *args: Any, **options: Any) -> None:
        clock = SystemClock()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: clock.stop())
        for job in list_jobs():
            following = job.schedule.following(clock.now())
            self.stdout.write(f"{job.name}: {job.schedule.expression} (next {following:%F %R} UTC)")
        self.stdout.flush()
        Scheduler(clock).run()
