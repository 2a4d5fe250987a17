"""A table's rows read for loading: decoded and proven by a child process, passed on for COPY."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

from backups.avro.codecs import Buffer
from backups.avro.schema import FileSchema, parse_schema
from backups.child.process import Inspection
from backups.errors import BackupDamaged
from backups.store.folder import Backup
from backups.store.manifest import TableEntry

Progress = Callable[[int], None]


class TableReader:
    """Reads one table's file; `rows` and `content_sha256` are known when all values were read."""

    def __init__(self, backup: Backup, entry: TableEntry) -> None:
        self._backup = backup
        self.entry = entry
        self._child: Inspection | None = None
        self.rows = 0
        self.content_sha256 = ""

    def prepare(self) -> None:
        """Have the child start now; what is prepared and not used must be closed."""
        if self._child is None:
            self._child = Inspection()

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
        self,
        places: Sequence[int],
        *,
        binary: bool = False,
        progress: Progress = lambda rows: None,
    ) -> Iterator[Buffer]:
        """Yield some columns' values in the text format of COPY, or in the binary one.

        Raises `BackupDamaged` at the end where the file is not what was written, so commit
        nothing before. Nothing of the file is decoded in this process.
        """
        self.prepare()
        child, self._child = self._child or Inspection(), None
        with child:
            child.ask(
                self._backup.folder,
                task="copy",
                tables=[self.entry.full_name],
                places=list(places),
                binary=binary,
            )
            for part, rows in child.output():
                yield part
                progress(rows)
            for answer in child.answers():
                if answer.problem is not None:
                    raise BackupDamaged(f"{self.entry.file}: {answer.problem[1]}")
                self.rows = answer.rows or 0
                self.content_sha256 = answer.content_sha256 or ""
