"""What a person sees while a load runs."""

import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from ingest.loaders.answers import Receipt
from ingest.loaders.formats.files import Batch

# Redrawing costs CPU that the service on the same machine can use.
_REDRAWS_PER_S = 4
# All senders meet the same outage; one line tells of it.
_NOTICE_EVERY_S = 5.0


class LoadProgress:
    """A bar with rows, rows/s, rejected and time left on a terminal; notices of waits anywhere."""

    def __init__(self, sizes: Sequence[int | None], *, is_quiet: bool) -> None:
        self._console = Console(stderr=True, quiet=is_quiet)
        self._bar = Progress(
            BarColumn(),
            TextColumn("{task.fields[rows]:,} rows"),
            TextColumn("{task.fields[speed_rows]:,.0f} rows/s"),
            TextColumn("{task.fields[rejected]:,} rejected"),
            TimeRemainingColumn(),
            console=self._console,
            refresh_per_second=_REDRAWS_PER_S,
            disable=not self._console.is_terminal,
        )
        known = [size for size in sizes if size is not None]
        total = sum(known) if len(known) == len(sizes) else None
        self._task = self._bar.add_task("", total=total, rows=0, speed_rows=0.0, rejected=0)
        self._file = ""
        self._bytes_before = 0  # of the files before this one
        self._bytes = 0
        self._rows = 0
        self._rejected = 0
        self._noticed_at = 0.0
        self._lock = threading.Lock()
        self.started_at = time.monotonic()

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()

    @property
    def seconds(self) -> float:
        """Return how long the load has been running."""
        return time.monotonic() - self.started_at

    def expect(self, size: int) -> None:
        """Set how much there is, where it was not known at first."""
        self._bar.update(self._task, total=size)

    def show_receipt(self, batch: Batch, receipt: Receipt) -> None:
        """Move the bar on; batches come in file order."""
        if batch.file != self._file:
            self._file = batch.file
            self._bytes_before = self._bytes
        self._bytes = self._bytes_before + batch.bytes_read
        self._rows += receipt.received
        self._rejected += receipt.rejected
        self._bar.update(
            self._task,
            completed=self._bytes,
            rows=self._rows,
            speed_rows=self._rows / max(self.seconds, 1e-9),
            rejected=self._rejected,
        )

    def show_wait(self, reason: str, wait_s: float) -> None:
        """Say that the service is waited for; called from any thread."""
        with self._lock:
            now = time.monotonic()
            if now - self._noticed_at < _NOTICE_EVERY_S:
                return
            self._noticed_at = now
        line = f"{reason}; trying again in {wait_s:.1f} s"
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)
