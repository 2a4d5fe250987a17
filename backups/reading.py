"""A verified table file read for loading, and checked once more while it is read."""

import hashlib
import os
from collections.abc import Iterator
from typing import Any

import polars as pl

from backups.archive import Backup
from backups.container import ContainerReader
from backups.errors import BackupDamaged
from backups.examination import check_schema
from backups.files import open_plain
from backups.manifest import TableEntry
from backups.rows import RowCodec
from backups.schema import FileSchema, parse_schema


class TableReader:
    """Yields a table's rows as data frames; raises `BackupDamaged` if they are not the manifest's.

    The file was examined before, in another process. That it is still the same file is only
    certain at the end: commit nothing before `frames` is exhausted.
    """

    def __init__(self, backup: Backup, entry: TableEntry) -> None:
        self._path = backup.path_of(entry)
        self._entry = entry
        self.schema: FileSchema = parse_schema(entry.avro_schema)
        self.codec = RowCodec(self.schema.fields)

    def frames(self) -> Iterator[pl.DataFrame]:
        """Yield the rows, a block at a time."""
        content: Any = hashlib.sha256()
        rows = 0
        with os.fdopen(open_plain(self._path), "rb") as file:
            container = ContainerReader(file, os.fstat(file.fileno()).st_size)
            check_schema(self._entry, container.header.schema)
            for block in container.blocks():
                content.update(block.data)
                rows += block.count
                yield self.codec.decode(block.count, block.data, is_examined=True)
        if (rows, content.hexdigest()) != (self._entry.rows, self._entry.content_sha256):
            raise BackupDamaged("The file changed after it was examined")
