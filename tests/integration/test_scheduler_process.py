"""`manage.py scheduler` as a process of its own."""

import os
import signal
import subprocess
import sys

import pytest
from django.conf import settings
from django.db import connection

from project.jobs.registry import list_jobs

pytestmark = pytest.mark.usefixtures("database")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_what_it_will_run_and_stops_when_told(number: signal.Signals) -> None:
    url = os.environ["DATABASE_URL"].rpartition("/")[0]
    process = subprocess.Popen(
        [sys.executable, "manage.py", "scheduler"],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": f"{url}/{connection.settings_dict['NAME']}"},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        said = [str(process.stdout and process.stdout.readline()) for _ in list_jobs()]
        process.send_signal(number)
        assert process.wait(timeout=30) == 0
    assert any(line.startswith("report:hires_by_quarter: */15 * * * * (next ") for line in said)
