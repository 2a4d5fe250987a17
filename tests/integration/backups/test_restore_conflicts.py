"""Restores beside others who lock the same tables: tried again, and never blamed on the rows."""

from typing import Any

import psycopg
import pytest

from backups.errors import RestoreRefused, TablesBusy
from backups.models import BackupRun
from backups.restore.creation import create
from backups.restore.database_errors import translate_errors
from backups.restore.inplace import transaction
from backups.restore.plan import RestoreRequest
from backups.restore.restore import restore_backup
from backups.runs.runs import run_restore
from backups.store.folder import Backup
from project.base.errors import RowhouseError, Unavailable
from tests.database import log_in
from tests.integration.backups.tables import ask, run

ONE = RestoreRequest(tables=["hiring.one"])


class Interrupted:
    """A function that meets a deadlock some times before it does its work."""

    def __init__(self, function: Any, times: int) -> None:
        self.function = function
        self.left = times

    def __call__(self, *arguments: Any) -> Any:
        self.left -= 1
        if self.left >= 0:
            raise psycopg.errors.DeadlockDetected("deadlock detected")
        return self.function(*arguments)


STEPS = pytest.mark.parametrize(
    ("owner", "name"),
    [(create, "_run_in"), (transaction._Transaction, "run")],
    ids=["make", "change"],
)


def interrupt(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, times: int) -> Interrupted:
    interrupted = Interrupted(getattr(owner, name), times)
    monkeypatch.setattr(owner, name, lambda *arguments: interrupted(*arguments))
    monkeypatch.setattr(transaction, "LOCK_PAUSE_S", 0)
    return interrupted


@STEPS
def test_a_deadlock_is_tried_again(
    backup: Backup, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str
) -> None:
    interrupted = interrupt(monkeypatch, owner, name, times=2)
    if owner is create:
        run("DROP TABLE hiring.one")
    restore_backup(backup, ONE)
    assert interrupted.left < 0
    assert ask("SELECT count(*) FROM hiring.one") == [(200,)]


@STEPS
def test_deadlocks_without_end_are_not_blamed_on_the_rows(
    backup: Backup, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str
) -> None:
    interrupt(monkeypatch, owner, name, times=1000)
    if owner is create:
        run("ALTER TABLE hiring.one RENAME TO other")
    with pytest.raises(TablesBusy) as busy:
        run_restore(backup, ONE)
    assert busy.value.retry_after_s > 0
    table = "other" if owner is create else "one"
    assert ask(f"SELECT count(*) FROM hiring.{table}") == [(3,)]
    done = BackupRun.objects.get(kind=BackupRun.Kind.RESTORE)
    assert done.report == {"code": "tables_busy", "retry_after_s": busy.value.retry_after_s}


def test_a_table_that_others_keep_locked_is_busy(
    backup: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transaction, "LOCK_TRIES", 1)
    monkeypatch.setattr(transaction, "LOCK_TIMEOUT", "10ms")
    with log_in() as other:
        other.execute("LOCK TABLE hiring.one IN ROW EXCLUSIVE MODE")
        with pytest.raises(TablesBusy):
            restore_backup(backup, ONE)
    assert ask("SELECT count(*) FROM hiring.one") == [(3,)]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (psycopg.errors.DeadlockDetected, TablesBusy),
        (psycopg.errors.SerializationFailure, TablesBusy),
        (psycopg.errors.LockNotAvailable, TablesBusy),
        (psycopg.errors.ObjectInUse, TablesBusy),
        (psycopg.errors.AdminShutdown, Unavailable),
        (psycopg.errors.DiskFull, Unavailable),
        (psycopg.errors.TooManyConnections, Unavailable),
        (psycopg.errors.QueryCanceled, Unavailable),
        (psycopg.errors.IoError, Unavailable),
        (psycopg.OperationalError, Unavailable),
        (psycopg.errors.UniqueViolation, RestoreRefused),
        (psycopg.errors.NumericValueOutOfRange, RestoreRefused),
        (psycopg.errors.InsufficientPrivilege, RestoreRefused),
        (psycopg.errors.FeatureNotSupported, RestoreRefused),
    ],
    ids=lambda one: one.__name__,
)
def test_each_error_of_postgresql_is_one_with_a_code(
    error: type[psycopg.Error], expected: type[RowhouseError]
) -> None:
    with pytest.raises(expected, match="what it says"), translate_errors():
        raise error("what it says")
