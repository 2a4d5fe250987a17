"""Debian's own cron daemon runs the jobs that `manage.py crontab add` gave it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from project.models import JobRun
from tests.needs import need
from tests.waiting import wait_until

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.slow]

PATIENCE_S = 300  # cron begins jobs once a minute
CONFIG = "rest_conf.yml"


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Yield an environment whose settings have a job for every minute; clean the crontab after."""
    need(shutil.which("crontab") and shutil.which("cron"), "cron is not installed")
    need(os.geteuid() == 0, "only root may start cron")
    text = (settings.BASE_DIR / CONFIG).read_text(encoding="utf-8")
    old = 'expire_idempotency_keys: "17 * * * *"'
    assert old in text
    (tmp_path / CONFIG).write_text(text.replace(old, 'expire_idempotency_keys: "* * * * *"'))
    url = os.environ["DATABASE_URL"].rpartition("/")[0]
    environment = os.environ | {
        "ROWHOUSE_CONFIG": str(tmp_path / CONFIG),
        "ROWHOUSE_LOGS": str(tmp_path),
        "DATABASE_URL": f"{url}/{connection.settings_dict['NAME']}",
    }
    yield environment
    manage(environment, "crontab", "remove")


def manage(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def crontab_lines() -> list[str]:
    listed = subprocess.run(["crontab", "-l"], capture_output=True, text=True, check=False)
    return [line for line in listed.stdout.splitlines() if settings.CRONTAB_COMMENT in line]


def test_cron_runs_the_jobs_of_the_crontab(environment: dict[str, str], tmp_path: Path) -> None:
    added = manage(environment, "crontab", "add")
    assert added.returncode == 0, added.stderr
    assert "jobs are in the crontab" in added.stdout
    again = manage(environment, "crontab", "add")
    assert again.returncode == 0, again.stderr
    assert len(crontab_lines()) == len(settings.CRONJOBS)
    # Where a cron daemon runs already, this one ends at once and that one does the work.
    daemon = subprocess.Popen(["cron", "-f"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        runs = JobRun.objects.filter(job="expire_idempotency_keys").exclude(outcome="running")
        log = tmp_path / "cron.log"
        wait_until(runs.exists, "cron has run the job", patience_s=PATIENCE_S, log=log)
        assert runs[0].outcome == "ok"
    finally:
        daemon.terminate()
        daemon.wait()


def test_remove_leaves_the_lines_of_others(environment: dict[str, str]) -> None:
    listed = subprocess.run(["crontab", "-l"], capture_output=True, text=True, check=False)
    before = listed.stdout if listed.returncode == 0 else ""
    mine = f"{before}0 0 1 1 * true # somebody else's\n"
    subprocess.run(["crontab", "-"], input=mine, text=True, check=True)
    try:
        manage(environment, "crontab", "add")
        removed = manage(environment, "crontab", "remove")
        assert removed.returncode == 0, removed.stderr
        assert crontab_lines() == []
        left = subprocess.run(["crontab", "-l"], capture_output=True, text=True, check=True)
        assert "0 0 1 1 * true # somebody else's" in left.stdout
    finally:
        subprocess.run(["crontab", "-"], input=before, text=True, check=True)
