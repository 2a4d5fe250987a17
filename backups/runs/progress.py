"""The progress of a backup, a check or a restore on the terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from backups.progress import Progress
from project.base.progress import row_progress


@contextmanager
def progress_bar(work: str) -> Iterator[Progress]:
    """Show rows done of those expected on stderr while the block runs."""
    with row_progress(work) as bar:
        yield Progress(expect_rows=bar.expect, add_rows=bar.advance)
