"""One table of a snapshot written to its Avro file."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from backups.avro.codecs import pack
from backups.avro.container import SYNC_BYTES, encode_block, encode_header
from backups.avro.prefetch import prefetch
from backups.avro.rows import RowCodec
from backups.avro.schema import FileSchema, make_schema
from backups.avro.types import is_decimal
from backups.errors import BackupError
from backups.store.files import DurableFile
from backups.store.manifest import TableEntry
from backups.tables.connection import reader_conninfo
from backups.tables.definition import TableDefinition
from backups.tables.frames import QueryFailed, stream_frames
from ingest.catalog.definitions import Table

# Told how many rows of a table were written since it was told last.
Progress = Callable[[int], None]


@dataclass(frozen=True)
class TableSource:
    """A table in a snapshot: what every worker needs to read it."""

    table: Table
    definition: TableDefinition
    snapshot: str
    query_text: Callable[[FileSchema], str]


class UnfitValues(Exception):
    """Some columns hold values that their logical types cannot."""

    def __init__(self, columns: set[str]) -> None:
        super().__init__(sorted(columns))
        self.columns = columns


def write_table(source: TableSource, path: Path, codec: str, progress: Progress) -> TableEntry:
    """Write every row of the table; return what the manifest says about the file.

    Dates, times and decimals are first taken to fit the logical types other readers know; a
    column that holds more (infinity, years before 1 or after 9999, NaN) is written again as text.
    """
    as_text: set[str] = set()
    while True:
        schema = make_schema(source.table, as_text=as_text)
        attempt = _Attempt(source, schema, path, codec, progress)
        try:
            return attempt.run()
        except UnfitValues as unfit:
            as_text |= unfit.columns
        except QueryFailed as error:
            # PostgreSQL does not say which column held the NaN.
            decimals = {field.column for field in schema.fields if is_decimal(field.adapter)}
            if not decimals:
                raise BackupError(f"{source.table.full_name}: {error}") from error
            as_text |= decimals
        progress(-attempt.rows)
        path.unlink(missing_ok=True)


class _Attempt:
    def __init__(
        self, source: TableSource, schema: FileSchema, path: Path, codec: str, progress: Progress
    ) -> None:
        self._source = source
        self._schema = schema
        self._path = path
        self._codec = codec
        self._progress = progress
        self._content = hashlib.sha256()
        self.rows = 0
        self._blocks = 0

    def run(self) -> TableEntry:
        sync = secrets.token_bytes(SYNC_BYTES)
        document = self._schema.document()
        with DurableFile(self._path) as file:
            file.write(encode_header(msgspec.json.encode(document), self._codec, sync))
            self._write_blocks(file, sync)
        return self._entry(file, document)

    def _write_blocks(self, file: DurableFile, sync: bytes) -> None:
        rows = RowCodec(self._schema.fields)
        query = self._source.query_text(self._schema)
        frames = stream_frames(reader_conninfo(), query, snapshot=self._source.snapshot)
        for carried in prefetch(frames):
            frame = rows.take(carried)
            unfit = rows.find_unfit(frame)
            if unfit:
                raise UnfitValues(unfit)
            data = rows.encode(frame)
            self._content.update(data)
            file.write(encode_block(len(frame), pack(self._codec, data), sync))
            self.rows += len(frame)
            self._blocks += 1
            self._progress(len(frame))

    def _entry(self, file: DurableFile, document: dict[str, Any]) -> TableEntry:
        return TableEntry(
            **msgspec.structs.asdict(self._source.definition),
            file=self._path.name,
            bytes=file.size,
            sha256=file.sha256,
            rows=self.rows,
            blocks=self._blocks,
            content_sha256=self._content.hexdigest(),
            avro_schema=document,
        )
