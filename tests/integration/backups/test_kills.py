"""Backups and restores whose process is killed: what is left is whole."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from uuid_utils.compat import uuid7

from backups.child.verify import find_problems
from backups.errors import BackupError
from backups.make.make import make_backup
from backups.restore.plan import RestoreRequest
from backups.restore.restore import restore_backup
from backups.runs.record import create_run, mark_dead_runs
from backups.runs.runs import run_backup
from backups.store.archive import DRAFT_PREFIX, MARKER_NAME, find_backup, list_backups
from backups.store.files import DurableFile
from tests.cleaning import Table
from tests.database import database_environment
from tests.integration.backups.tables import ask, run

pytestmark = pytest.mark.usefixtures("scratch")

Kill = Callable[[str, str, int, str], None]

BACKUP_STEPS = [
    ("backups.store.files", "DurableFile.__enter__", 1),
    ("backups.store.files", "DurableFile.write", 1),
    ("backups.store.files", "DurableFile.write", 3),
    ("backups.store.files", "DurableFile.__exit__", 1),
    ("backups.make.make", "encode_manifest", 1),
    ("backups.make.make", "write_durably", 1),
    ("backups.store.files", "os.fsync", 5),
    ("backups.make.make", "publish_folder", 1),
    ("backups.store.files", "sync_folder", 1),
]
RESTORE_STEPS = [
    ("backups.restore.creation.shadow", "clear_shadows", 1),
    ("backups.restore.execution", "load_rows", 1),
    ("backups.restore.inplace.file_rows", "_copy_in", 1),
    ("backups.restore.execution", "load_rows", 2),
    ("backups.restore.inplace.transaction", "_Transaction.run", 1),
    ("backups.restore.execution", "compute_difference", 2),
    ("backups.restore.inplace.transaction", "apply_difference", 1),
    ("backups.restore.inplace.transaction", "apply_difference", 2),
    ("backups.restore.inplace.transaction", "find_broken_constraints", 1),
    ("backups.restore.inplace.transaction", "keep_undo_rows", 2),
    ("backups.restore.inplace.transaction", "advance_sequences", 1),
    ("backups.restore.restore", "distribute_datasets", 1),
]


@pytest.fixture
def tables(scratch: Path) -> None:
    run(
        "CREATE TABLE hiring.one (id serial PRIMARY KEY, note text)",
        "CREATE TABLE hiring.two (id int PRIMARY KEY REFERENCES hiring.one)",
        "INSERT INTO hiring.one (note) SELECT 'note ' || n FROM generate_series(1, 50) n",
        "INSERT INTO hiring.two SELECT id FROM hiring.one",
    )


@pytest.fixture(scope="module")
def fork_server(django_db_setup: set[Table]) -> Iterator[subprocess.Popen[str]]:
    """The process that forks those that the tests kill."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.integration.backups.fork_server"],
        cwd=settings.BASE_DIR,
        env=database_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process


@pytest.fixture
def kill(fork_server: subprocess.Popen[str], scratch: Path) -> Kill:
    """Return a function that has work be killed at the n-th call of a function of a module."""

    def kill(module: str, name: str, calls: int, work: str) -> None:
        config = settings.COMMAND_ENVIRONMENT["ROWHOUSE_CONFIG"]
        order = {"work": work, "config": config, "module": module, "name": name, "calls": calls}
        print(json.dumps(order), file=fork_server.stdin, flush=True)
        assert fork_server.stdout is not None
        assert fork_server.stdout.readline() == f"{-signal.SIGKILL}\n"

    return kill


@pytest.mark.parametrize(("module", "name", "calls"), BACKUP_STEPS)
def test_a_killed_backup_is_no_backup(
    tables: None, kill: Kill, module: str, name: str, calls: int
) -> None:
    whole = run_backup()
    kill(module, name, calls, "backup")
    assert [backup.id for backup in list_backups()] == [whole.pk]


def test_what_a_killed_backup_left_is_removed_by_the_next(
    tables: None, archive: Path, kill: Kill
) -> None:
    kill("backups.make.make", "encode_manifest", 1, "backup")
    assert [path for path in archive.iterdir() if path.name.startswith(DRAFT_PREFIX)]
    finished = run_backup()
    assert {path.name for path in archive.iterdir()} == {finished.folder, MARKER_NAME}


def test_a_backup_killed_after_its_last_step_is_whole(tables: None, kill: Kill) -> None:
    kill("backups.store.files", "sync_folder", 2, "backup")
    (backup,) = list_backups()
    assert find_problems(backup) == []


def test_a_full_disk_leaves_no_backup(
    tables: None, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(DurableFile, "write", fail)
    with pytest.raises(BackupError, match="No space left"):
        make_backup(uuid7())
    assert [path.name for path in archive.iterdir()] == [MARKER_NAME]


@pytest.mark.parametrize(("module", "name", "calls"), RESTORE_STEPS)
def test_a_killed_restore_leaves_the_old_or_the_new_tables(
    tables: None, kill: Kill, module: str, name: str, calls: int
) -> None:
    run_backup(tables=["hiring.one", "hiring.two"])
    run("DELETE FROM hiring.two WHERE id > 7", "DELETE FROM hiring.one WHERE id > 9")
    kill(module, name, calls, "restore")
    counts = ask("SELECT (SELECT count(*) FROM hiring.one), (SELECT count(*) FROM hiring.two)")
    assert counts == ([(50, 50)] if name == "distribute_datasets" else [(9, 7)])
    restore_backup(find_backup(None), RestoreRequest(tables=["hiring.one", "hiring.two"]))
    assert ask("SELECT (SELECT count(*) FROM hiring.one), (SELECT count(*) FROM hiring.two)") == [
        (50, 50)
    ]


def test_a_run_whose_process_is_gone_is_marked_as_failed(tables: None) -> None:
    lost = create_run("backup")
    type(lost).objects.filter(pk=lost.pk).update(
        state="running", created_at="2020-01-01T00:00Z", seen_at="2020-01-01T00:00Z"
    )
    waiting = create_run("backup")
    assert mark_dead_runs() == 1
    lost.refresh_from_db()
    waiting.refresh_from_db()
    assert (lost.state, waiting.state) == ("failed", "queued")
    assert "died" in lost.error
