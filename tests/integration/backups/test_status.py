"""backups.runs.metrics: what Prometheus is told about the backups."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from backups.models import BackupRun
from backups.runs.metrics import BackupCollector
from backups.runs.record import create_run
from backups.runs.runs import run_backup, run_drill
from backups.store.archive import find_backup
from backups.store.folder import Backup
from backups.store.manifest import Manifest
from tests.integration.backups.archives import change_bytes, forge, reseal

pytestmark = pytest.mark.usefixtures("archive")

GOOD = "rowhouse_backup_last_good_timestamp_seconds"
PROVEN = "rowhouse_backup_last_proven_timestamp_seconds"
RUNS = "rowhouse_backup_runs_total"
JOBS = "hiring.jobs"
TABLES = {"hiring.departments", "hiring.employees", JOBS}


def back_up(*tables: str) -> Backup:
    return find_backup(str(run_backup(tables=tables).pk))


def read(name: str) -> dict[str | None, float]:
    """Return a metric's values by their label; None is the one without."""
    samples = [one for metric in BackupCollector().collect() for one in metric.samples]
    return {next(iter(one.labels.values()), None): one.value for one in samples if one.name == name}


def test_nothing_is_said_of_backups_that_there_are_not() -> None:
    assert (read(GOOD), read(PROVEN), read("rowhouse_backups")) == ({}, {}, {None: 0})
    assert read(RUNS)["done"] == 0


def test_tells_when_all_tables_and_each_of_them_were_last_good_and_proven() -> None:
    backup = back_up()
    assert read(GOOD) == dict.fromkeys({None, *TABLES}, backup.taken_at.timestamp())
    assert read(PROVEN) == {}
    run_drill(backup)
    proven_at = BackupRun.objects.get(pk=backup.id).proven_at
    assert proven_at is not None
    assert read(PROVEN) == dict.fromkeys({None, *TABLES}, proven_at.timestamp())


def test_a_backup_of_chosen_tables_counts_for_these_alone() -> None:
    whole = back_up()
    later = datetime.now(UTC)
    BackupRun.objects.filter(pk=whole.id).update(proven_at=whole.taken_at)
    part = back_up(JOBS)
    BackupRun.objects.filter(pk=part.id).update(proven_at=later)
    others = dict.fromkeys({None, *TABLES}, whole.taken_at.timestamp())
    assert read(GOOD) == others | {JOBS: part.taken_at.timestamp()}
    assert read(PROVEN) == others | {JOBS: later.timestamp()}


def date_ahead(manifest: Manifest) -> Manifest:
    return replace(manifest, snapshot_at=manifest.snapshot_at + timedelta(days=1))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda backup: change_bytes(backup.folder / "manifest.json", 200),
        lambda backup: (backup.folder / f"{JOBS}.avro").unlink(),
        lambda backup: reseal(backup, date_ahead),
        forge,
    ],
    ids=["damaged", "without a file", "of tomorrow", "of unknown origin"],
)
def test_a_backup_that_cannot_be_used_is_not_good(spoil: Callable[[Backup], object]) -> None:
    backup = back_up()
    BackupRun.objects.filter(pk=backup.id).update(proven_at=datetime.now(UTC))
    spoil(backup)
    assert (read(GOOD), read(PROVEN)) == ({}, {})
    assert read("rowhouse_backups") == {None: 1}


def test_runs_are_counted_by_how_they_ended() -> None:
    for kind, state in [
        *[("backup", "done")] * 2,
        *[("backup", "failed"), ("backup", "running"), ("restore", "failed")],
    ]:
        create_run(kind, state=state)
    counts = read(RUNS)
    assert (counts["done"], counts["failed"]) == (2, 1)
    assert not counts.keys() & {"running", "queued"}


def test_backups_are_listed_without_loading_the_service(settings: Any) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "manage.py", "list_backups"],
        cwd=settings.BASE_DIR,
        env=settings.COMMAND_ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "backups.store.archive" in loaded
    assert not loaded & {"polars", "project.urls", "drf_spectacular", "rest_framework.views"}
