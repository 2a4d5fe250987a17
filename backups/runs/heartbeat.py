"""A thread that writes down how far a run is, and that it is alive."""

import threading
from types import TracebackType
from typing import Self
from uuid import UUID

from django.db import DatabaseError, connection
from django.utils import timezone

from backups.make.make import Watcher
from backups.models import BackupRun

STEP_S = 2.0


class Heartbeat:
    """Counts what a run's threads report and saves it every few seconds."""

    def __init__(self, run: UUID, watcher: Watcher | None) -> None:
        self._run = run
        self._onlooker = watcher or Watcher()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self.rows_done = 0
        self.rows_total: int | None = None
        self.watcher = Watcher(expect_rows=self._expect, add_rows=self._add)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped.set()
        self._thread.join()

    def _expect(self, rows: int) -> None:
        self.rows_total = rows
        self._onlooker.expect_rows(rows)

    def _add(self, rows: int) -> None:
        with self._lock:
            self.rows_done += rows
        self._onlooker.add_rows(rows)

    def _beat(self) -> None:
        try:
            while not self._stopped.wait(STEP_S):
                self._save()
        finally:
            connection.close()

    def _save(self) -> None:
        try:
            BackupRun.objects.filter(pk=self._run).update(
                seen_at=timezone.now(), rows_done=self.rows_done, rows_total=self.rows_total
            )
        except DatabaseError:
            connection.close()  # the next beat tries a new one
