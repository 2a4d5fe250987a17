"""Runs of backups, checks, drills and restores: recorded, watched, and found dead when they are.

`run_backup`, `run_verify`, `run_drill` and `run_restore` work here and now; `request_run` has a
process of its own do it. `apply_retention` removes what no rule wants to keep.
"""

import logging
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import psutil
from django.conf import settings
from django.utils import timezone
from uuid_utils.compat import uuid7

from backups.child.verify import find_problems
from backups.errors import BackupDamaged, BackupError, BackupUnknown, TooManyRuns
from backups.make.make import Watcher, make_backup
from backups.models import BackupRun
from backups.restore.plan import RestoreRequest
from backups.restore.restore import RestoreReport, restore_backup
from backups.restore.swap.undoing import Undone, undo_restore
from backups.runs.drill import prove_backup
from backups.runs.heartbeat import Heartbeat
from backups.runs.retention import KeptBackup, choose_removable
from backups.runs.status import read_proofs
from backups.store.archive import find_backup, list_backups, remove_backup
from backups.store.folder import Backup
from project.base.errors import RowhouseError

logger = logging.getLogger("rowhouse.backups")

Kind = BackupRun.Kind
State = BackupRun.State

# A living run says so every few seconds.
SILENCE = timedelta(minutes=2)

# Runs that clients may have under way at once, and when one that asks for more may come again.
MAX_RUNS = 8
RETRY_AFTER_S = 10


def run_backup(
    *,
    tables: Sequence[str] = (),
    codec: str | None = None,
    run: BackupRun | None = None,
    watcher: Watcher | None = None,
) -> BackupRun:
    """Make a backup, then remove those that no rule wants any more; return the run.

    Raises `BackupError` where it fails; the run says so too.
    """
    run = run or create_run(Kind.BACKUP, tables=tables, options={"codec": codec})
    with _recorded(run, watcher) as beat:
        manifest = make_backup(run.pk, tables=tables, codec=codec, watcher=beat.watcher)
        run.folder, run.bytes = manifest.name, manifest.bytes
        run.last_batch, run.backup = manifest.last_batch, run.pk
        run.report = {entry.full_name: entry.rows for entry in manifest.tables}
    try:
        apply_retention()
    except OSError:  # the backup is good all the same; the next one tries again
        logger.exception("old backups could not be removed")
    return run


def run_verify(
    backup: Backup, *, run: BackupRun | None = None, watcher: Watcher | None = None
) -> BackupRun:
    """Look at every byte and record of a backup; raise `BackupDamaged` with all problems."""
    run = run or create_run(Kind.VERIFY, backup=backup.id)
    with _recorded(run, watcher) as beat:
        _expect_all(beat, backup)
        problems = find_problems(backup, progress=beat.watcher.add_rows)
        run.report = {"problems": [str(one) for one in problems]}
        if problems:
            raise BackupDamaged(
                f"{backup.folder.name} is damaged: {'; '.join(map(str, problems[:5]))}"
            )
    return run


def run_drill(
    backup: Backup | None = None, *, run: BackupRun | None = None, watcher: Watcher | None = None
) -> BackupRun:
    """Restore a backup (the newest one) into scratch schemas and compare every row.

    A backup that passes is marked as proven restorable now.
    """
    backup = backup or find_backup(None)
    run = run or create_run(Kind.VERIFY, backup=backup.id, options={"restore": True})
    with _recorded(run, watcher) as beat:
        _expect_all(beat, backup)
        rows = prove_backup(backup, progress=beat.watcher.add_rows)
        run.report = {"proven_rows": rows}
        _mark_proven(backup)
    return run


def run_restore(
    backup: Backup,
    request: RestoreRequest,
    *,
    run: BackupRun | None = None,
    watcher: Watcher | None = None,
) -> tuple[BackupRun, RestoreReport]:
    """Restore tables; return the run and what was done, or would be done."""
    run = run or create_run(
        Kind.RESTORE, backup=backup.id, tables=request.tables, options=describe_request(request)
    )
    with _recorded(run, watcher) as beat:
        report = restore_backup(backup, request, watcher=beat.watcher)
        run.report = msgspec.to_builtins(report)
    return run, report


def run_undo(tables: Sequence[str], *, dry_run: bool = False) -> list[Undone]:
    """Put back what tables held before they were restored; return what changed."""
    run = create_run(Kind.RESTORE, tables=tables, options={"undo": True, "dry_run": dry_run})
    with _recorded(run, None):
        undone = undo_restore(tables, dry_run=dry_run)
        run.report = {one.table: one.rows for one in undone}
    return undone


def apply_retention() -> list[str]:
    """Remove the backups that no rule of rest_conf.yml wants; return their names."""
    candidates = {}
    for backup, proven_at in read_proofs(list_backups()).items():
        try:
            manifest = backup.read()
        except BackupDamaged:
            continue  # a person should see it before it goes, and it must not count as good
        candidates[
            KeptBackup(backup.id, manifest.snapshot_at, manifest.complete, proven_at is not None)
        ] = backup
    removable = choose_removable(
        list(candidates), now=timezone.now(), policy=settings.CONFIG.backups.keep
    )
    removed = []
    for one in removable:
        remove_backup(candidates[one])
        removed.append(candidates[one].folder.name)
        logger.info("backup removed", extra={"backup": str(one.id)})
    return removed


def create_run(kind: str, **fields: Any) -> BackupRun:
    """Record a run that is about to be done."""
    fields["tables"] = list(fields.get("tables", ()))
    run: BackupRun = BackupRun.objects.create(
        id=UUID(str(uuid7())), kind=kind, created_at=timezone.now(), **fields
    )
    return run


def request_run(kind: str, **fields: Any) -> BackupRun:
    """Record a run and have a process of its own execute it, which outlives this one.

    Raise `TooManyRuns` where enough of them are under way: each takes a process.
    """
    mark_dead_runs()
    if BackupRun.objects.filter(state__in=[State.QUEUED, State.RUNNING]).count() >= MAX_RUNS:
        raise TooManyRuns(retry_after_s=RETRY_AFTER_S)
    run = create_run(kind, **fields)
    subprocess.Popen(
        [sys.executable, "manage.py", "backup", "--run", str(run.pk)],
        cwd=settings.BASE_DIR,
        env=settings.COMMAND_ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    return run


def execute_run(identifier: UUID, watcher: Watcher | None = None) -> BackupRun:
    """Do what a queued run asks for; raise `BackupUnknown` unless there is such a run."""
    run = BackupRun.objects.filter(pk=identifier, state=State.QUEUED).first()
    if run is None:
        raise BackupUnknown(f"There is no queued run {identifier}")
    _EXECUTORS[run.kind](run, watcher)
    return run


def mark_dead_runs() -> int:
    """Mark the runs whose process is gone as failed; return how many there were."""
    now = timezone.now()
    dead = 0
    unfinished = BackupRun.objects.filter(state__in=[State.QUEUED, State.RUNNING])
    for run in unfinished:
        silent = now - (run.seen_at or run.created_at) > SILENCE
        gone = run.host == socket.gethostname() and not _lives(run)
        if silent or gone:
            dead += BackupRun.objects.filter(pk=run.pk, state=run.state).update(
                state=State.FAILED, finished_at=now, error="Its process died before it was done"
            )
    return dead


def describe_request(request: RestoreRequest) -> dict[str, Any]:
    """Return a restore's options as they are recorded."""
    return {
        "mode": request.mode,
        "into": request.into,
        "dry_run": request.dry_run,
        "on_conflict": request.on_conflict,
    }


def _expect_all(beat: Heartbeat, backup: Backup) -> None:
    with suppress(BackupDamaged):  # the work itself will say so
        beat.watcher.expect_rows(backup.read().rows)


def _lives(run: BackupRun) -> bool:
    if run.process is None or run.started_at is None:
        return run.state == State.QUEUED
    try:
        started = psutil.Process(run.process).create_time()
    except psutil.Error:
        return False
    return started <= run.started_at.timestamp() + 1


@contextmanager
def _recorded(run: BackupRun, watcher: Watcher | None) -> Iterator[Heartbeat]:
    mark_dead_runs()
    now = timezone.now()
    claimed = BackupRun.objects.filter(pk=run.pk, state=State.QUEUED).update(
        state=State.RUNNING,
        started_at=now,
        seen_at=now,
        host=socket.gethostname(),
        process=os.getpid(),
    )
    if not claimed:
        raise BackupError("The run was started already")
    run.refresh_from_db()
    beat = Heartbeat(run.pk, watcher)
    try:
        with beat:
            yield beat
    except RowhouseError as error:
        _finish(run, beat, State.FAILED, error.message)
        raise
    except BaseException as error:
        logger.exception("run failed", extra={"run": str(run.pk)})
        _finish(run, beat, State.FAILED, f"{type(error).__name__}: {error}"[:2000])
        raise
    _finish(run, beat, State.DONE, "")


def _finish(run: BackupRun, beat: Heartbeat, state: str, error: str) -> None:
    run.state, run.error = state, error
    run.finished_at = run.seen_at = timezone.now()
    run.rows_done, run.rows_total = beat.rows_done, beat.rows_total
    run.save()


def _mark_proven(backup: Backup) -> None:
    now = timezone.now()
    # A backup from another installation, or from before the database was lost, has no run here.
    BackupRun.objects.update_or_create(
        pk=backup.id,
        defaults={"proven_at": now},
        create_defaults={
            "proven_at": now,
            "kind": Kind.BACKUP,
            "state": State.DONE,
            "backup": backup.id,
            "folder": backup.folder.name,
            "created_at": backup.taken_at,
        },
    )


def _execute_backup(run: BackupRun, watcher: Watcher | None) -> None:
    run_backup(tables=run.tables, codec=run.options.get("codec"), run=run, watcher=watcher)


def _execute_verify(run: BackupRun, watcher: Watcher | None) -> None:
    work = run_drill if run.options.get("restore") else run_verify
    work(find_backup(str(run.backup)), run=run, watcher=watcher)


def _execute_restore(run: BackupRun, watcher: Watcher | None) -> None:
    request = RestoreRequest(tables=run.tables, **run.options)
    run_restore(find_backup(str(run.backup)), request, run=run, watcher=watcher)


_EXECUTORS: dict[str, Callable[[BackupRun, Watcher | None], None]] = {
    Kind.BACKUP: _execute_backup,
    Kind.VERIFY: _execute_verify,
    Kind.RESTORE: _execute_restore,
}
