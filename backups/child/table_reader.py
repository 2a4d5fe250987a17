"""A table's file read for loading: decoded and checked by a child process, passed on to COPY."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import cached_property

from backups.avro.codecs import Buffer
from backups.avro.schema import FileSchema, parse_schema
from backups.child.process import ChildProcess
from backups.errors import BackupDamaged
from backups.progress import NO_PROGRESS, Progress
from backups.store.folder import Backup
from backups.store.manifest import TableEntry


class TableReader:
    """Reads one table's file; `rows` and `content_sha256` are known when all values were read."""

    def __init__(self, backup: Backup, entry: TableEntry) -> None:
        self._backup = backup
        self.entry = entry
        self._child: ChildProcess | None = None
        self.rows = 0
        self.content_sha256 = ""

    def prepare(self) -> None:
        """Start the child now; if `values` is never called, it must be closed."""
        if self._child is None:
            self._child = ChildProcess()

    def close(self) -> None:
        """End the child if it was prepared."""
        if self._child is not None:
            self._child.close()
            self._child = None

    @cached_property
    def schema(self) -> FileSchema:
        """What the file holds, as the manifest says."""
        return parse_schema(self.entry.avro_schema)

    def values(
        self, positions: Sequence[int], *, binary: bool = False, progress: Progress = NO_PROGRESS
    ) -> Iterator[Buffer]:
        """Yield some columns' values in the text format of COPY, or in the binary one.

        Raises `BackupDamaged` at the end where the file is not what was written, so commit
        nothing before. Nothing of the file is decoded in this process.
        """
        child, self._child = self._child or ChildProcess(), None
        with closing(child):
            child.ask(
                self._backup.folder,
                task="copy",
                manifest_sha256=self._backup.manifest_sha256,
                tables=[self.entry.full_name],
                positions=list(positions),
                binary=binary,
            )
            for part, rows in child.output():
                yield part
                progress.add_rows(rows)
            for answer in child.answers():
                if answer.problem is not None:
                    raise BackupDamaged(f"{self.entry.file}: {answer.problem.message}")
                self.rows = answer.rows or 0
                self.content_sha256 = answer.content_sha256 or ""
