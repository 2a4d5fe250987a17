"""The progress bar of commands that take long, on stderr."""

import threading
import time
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

# Redrawing costs CPU that the service on the same machine can use.
_REDRAWS_PER_S = 4
# All threads meet the same outage; one line tells of it.
_NOTICE_EVERY_S = 5.0


class ProgressBar:
    """A bar that is drawn on a terminal only; notices are printed anywhere.

    Its methods may be called from any thread.
    """

    def __init__(
        self,
        *columns: ProgressColumn,
        total: int | None = None,
        is_quiet: bool = False,
        is_transient: bool = False,
    ) -> None:
        self._console = Console(stderr=True, quiet=is_quiet)
        self._bar = Progress(
            *columns,
            console=self._console,
            refresh_per_second=_REDRAWS_PER_S,
            transient=is_transient,
            disable=not self._console.is_terminal,
        )
        self._rows = self._rejected = 0
        self._task = self._bar.add_task("", total=total, rows=0, rejected=0, rows_per_s=0.0)
        self._noticed_at = 0.0
        self._lock = threading.Lock()
        self._started_at = time.monotonic()

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def expect(self, total: int) -> None:
        """Set where the bar ends, 0 where that is not known."""
        self._bar.update(self._task, total=total or None)

    def advance(self, steps: int, *, rows: int = 0, rejected: int = 0) -> None:
        """Move the bar on, and count rows."""
        with self._lock:
            self._rows += rows
            self._rejected += rejected
            seconds = time.monotonic() - self._started_at
            self._bar.update(
                self._task,
                advance=steps,
                rows=self._rows,
                rejected=self._rejected,
                rows_per_s=self._rows / max(seconds, 1e-9),
            )

    def show_wait(self, reason: str, wait_s: float) -> None:
        """Print that something is tried again later, unless that was printed just now."""
        with self._lock:
            now = time.monotonic()
            if now - self._noticed_at < _NOTICE_EVERY_S:
                return
            self._noticed_at = now
        line = f"{reason}; trying again in {wait_s:.1f} s"
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def row_progress(work: str) -> ProgressBar:
    """Return a bar of rows done and expected; it disappears in the end."""
    return ProgressBar(
        TextColumn(work),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("rows"),
        TimeElapsedColumn(),
        is_transient=True,
    )


def load_progress(total: int | None, *, is_quiet: bool) -> ProgressBar:
    """Return a bar with rows, rows a second, rejected rows and the time left."""
    return ProgressBar(
        BarColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
        TextColumn("{task.fields[rows_per_s]:,.0f} rows/s"),
        TextColumn("{task.fields[rejected]:,} rejected"),
        TimeRemainingColumn(),
        total=total,
        is_quiet=is_quiet,
    )
