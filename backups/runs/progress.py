"""A progress bar in the terminal for what takes long."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)

from backups.make.make import Watcher


@contextmanager
def progress_bar(words: str) -> Iterator[Watcher]:
    """Show rows done and rows a second on stderr while the block runs."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("rows"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(words, total=None)
        yield Watcher(
            expect_rows=lambda rows: progress.update(task, total=rows or None),
            add_rows=lambda rows: progress.advance(task, rows),
        )
