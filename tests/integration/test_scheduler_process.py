"""`manage.py scheduler` as a process of its own."""

import signal
import subprocess
import sys

import pytest
from django.conf import settings

from project.jobs.registry import list_jobs
from tests.database import database_environment
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.usefixtures("database")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_what_it_will_run_and_stops_when_told(number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "scheduler"],
        cwd=settings.BASE_DIR,
        env=database_environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        said = [str(process.stdout and process.stdout.readline()) for _ in list_jobs()]
        process.send_signal(number)
        assert process.wait(timeout=PATIENCE_S) == 0
    assert any(line.startswith("report:hires_by_quarter: */15 * * * * (next ") for line in said)
