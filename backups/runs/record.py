"""The record of a run: created, kept up to date while the run lasts, finished or found dead."""

import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import psutil
from django.db import DatabaseError, connection
from django.utils import timezone
from uuid_utils.compat import uuid7

from backups.errors import BackupError, BackupIncomplete, RestoreIncomplete
from backups.models import BackupRun
from backups.progress import Progress
from project.base.errors import RowhouseError, TryLater

logger = logging.getLogger("rowhouse.backups")

State = BackupRun.State

HEARTBEAT_S = 2.0
# A run without a heartbeat for so long is dead.
SILENCE = timedelta(minutes=2)
MAX_ERROR_CHARACTERS = 2000


def create_run(kind: str, **fields: Any) -> BackupRun:
    """Record a run that is about to be done."""
    fields["tables"] = list(fields.get("tables", ()))
    run: BackupRun = BackupRun.objects.create(
        id=UUID(str(uuid7())), kind=kind, created_at=timezone.now(), **fields
    )
    return run


@contextmanager
def record_run(run: BackupRun, progress: Progress) -> Iterator[Progress]:
    """Record that a run is running while the block lasts, and how it ends.

    Yields what the block has to report its progress to, which is saved and passed on. Raises
    `BackupError` where the run was started already.
    """
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
    heartbeat = _Heartbeat(run.pk, progress)
    try:
        with heartbeat.beating():
            yield heartbeat.progress
    except RowhouseError as error:
        run.report = {**(run.report or {}), **_describe_error(error)}
        is_partly_done = isinstance(error, (BackupIncomplete, RestoreIncomplete))
        state = State.INCOMPLETE if is_partly_done else State.FAILED
        _finish(run, heartbeat, state, error.message)
        raise
    except BaseException as error:
        logger.exception("run failed", extra={"run": str(run.pk)})
        message = f"{type(error).__name__}: {error}"[:MAX_ERROR_CHARACTERS]
        _finish(run, heartbeat, State.FAILED, message)
        raise
    _finish(run, heartbeat, State.DONE, "")


def mark_dead_runs() -> int:
    """Mark the runs whose process is gone as failed; return how many there were."""
    now = timezone.now()
    dead = 0
    unfinished = BackupRun.objects.filter(state__in=[State.QUEUED, State.RUNNING])
    for run in unfinished:
        silent = now - (run.seen_at or run.created_at) > SILENCE
        gone = run.host == socket.gethostname() and not _is_alive(run)
        if silent or gone:
            dead += BackupRun.objects.filter(pk=run.pk, state=run.state).update(
                state=State.FAILED, finished_at=now, error="Its process died before it was done"
            )
    return dead


def _is_alive(run: BackupRun) -> bool:
    if run.process is None or run.started_at is None:
        return run.state == State.QUEUED
    try:
        started = psutil.Process(run.process).create_time()
    except psutil.Error:
        return False
    return started <= run.started_at.timestamp() + 1


class _Heartbeat:
    """A thread that saves every few seconds how far a run is, and that its process lives."""

    def __init__(self, run: UUID, progress: Progress) -> None:
        self._run = run
        self._next = progress
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self.rows_done = 0
        self.rows_total: int | None = None
        self.progress = Progress(expect_rows=self._expect_rows, add_rows=self._add_rows)

    @contextmanager
    def beating(self) -> Iterator[None]:
        thread = threading.Thread(target=self._beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            thread.join()

    def _expect_rows(self, rows: int) -> None:
        self.rows_total = rows
        self._next.expect_rows(rows)

    def _add_rows(self, rows: int) -> None:
        with self._lock:
            self.rows_done += rows
        self._next.add_rows(rows)

    def _beat(self) -> None:
        try:
            while not self._stopped.wait(HEARTBEAT_S):
                self._save()
        finally:
            connection.close()

    def _save(self) -> None:
        try:
            BackupRun.objects.filter(pk=self._run).update(
                seen_at=timezone.now(), rows_done=self.rows_done, rows_total=self.rows_total
            )
        except DatabaseError:
            connection.close()  # the next beat opens a new one


def _describe_error(error: RowhouseError) -> dict[str, Any]:
    again = {"retry_after_s": error.retry_after_s} if isinstance(error, TryLater) else {}
    return {"code": error.code} | again


def _finish(run: BackupRun, heartbeat: _Heartbeat, state: str, error: str) -> None:
    run.state, run.error = state, error
    run.finished_at = run.seen_at = timezone.now()
    run.rows_done, run.rows_total = heartbeat.rows_done, heartbeat.rows_total
    if state in {State.DONE, State.INCOMPLETE}:
        run.rows_total = run.rows_done  # what was expected was PostgreSQL's estimate
    run.save()
