"""A progress bar in the terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as ProgressBar

from backups.progress import Progress


@contextmanager
def progress_bar(words: str) -> Iterator[Progress]:
    """Show rows done and rows a second on stderr while the block runs."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("rows"),
        TimeElapsedColumn(),
    )
    with ProgressBar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(words, total=None)
        yield Progress(
            expect_rows=lambda rows: bar.update(task, total=rows or None),
            add_rows=lambda rows: bar.advance(task, rows),
        )
