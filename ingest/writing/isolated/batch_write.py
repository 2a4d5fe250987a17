"""A batch that is to be written row by row where that is needed, and how."""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import Connection

from ingest.validation.validated_rows import ValidatedBatch, ValidatedRows
from ingest.writing.conflicts import WriteOptions
from ingest.writing.rows.writer import TableWriter, Written


@dataclass(frozen=True, slots=True)
class BatchWrite:
    """A batch, the writer of its table, and a connection.

    An `unchecked` connection is one where PostgreSQL checks no foreign keys.
    """

    writer: TableWriter
    connection: Connection
    batch: ValidatedBatch
    options: WriteOptions
    unchecked: bool = False

    def write(
        self,
        groups: Sequence[ValidatedRows],
        *,
        unchecked: bool,
        copying: bool = False,
        writer: TableWriter | None = None,
    ) -> Written:
        """Write some of the batch's rows, by another writer of the table where one is given."""
        return (writer or self.writer).write(
            self.connection,
            self.batch,
            groups,
            self.options,
            unchecked=unchecked,
            copying=copying,
        )
