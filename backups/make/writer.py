"""One table of a snapshot written to its Avro file."""

import hashlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from backups.avro.codecs import Buffer, pack
from backups.avro.container import SYNC_BYTES, encode_block, encode_header
from backups.avro.rows import RowCodec
from backups.avro.schema import FileSchema, make_schema
from backups.errors import BackupError
from backups.prefetch import prefetch
from backups.progress import Progress
from backups.store.files import DurableFile
from backups.store.manifest import TableEntry
from backups.tables.definition import TableDefinition
from backups.tables.frames import QueryFailed, SnapshotReader
from ingest.catalog.definitions import Table


@dataclass(frozen=True)
class TableSource:
    """A table in a snapshot: what every worker needs to read it."""

    table: Table
    definition: TableDefinition
    query_text: Callable[[FileSchema], str]


class OutOfRange(Exception):
    """Some columns hold values that their logical types cannot."""

    def __init__(self, columns: set[str]) -> None:
        super().__init__(sorted(columns))
        self.columns = columns


def write_table(
    source: TableSource, reader: SnapshotReader, path: Path, codec: str, progress: Progress
) -> TableEntry:
    """Write every row of the table; return what the manifest says about the file.

    Dates, times and decimals are first written as logical types that other readers know; where a
    column holds more (infinity, years before 1 or after 9999, NaN), the file is written again with
    that column as text. Raises `BackupError` where the rows cannot be read; no file is left then.
    """
    as_text: set[str] = set()
    while True:
        schema = make_schema(source.table, as_text=as_text)
        attempt = _Attempt(source, reader, schema, path, codec, progress)
        try:
            return attempt.run()
        except OutOfRange as error:
            as_text |= error.columns
        except QueryFailed as error:
            attempt.discard()
            raise BackupError(str(error)) from error
        attempt.discard()


@dataclass
class _Attempt:
    source: TableSource
    reader: SnapshotReader
    schema: FileSchema
    path: Path
    codec: str
    progress: Progress
    rows: int = 0

    def run(self) -> TableEntry:
        sync = secrets.token_bytes(SYNC_BYTES)
        document = self.schema.document()
        content, blocks = hashlib.sha256(), 0
        with DurableFile(self.path) as file:
            file.write(encode_header(msgspec.json.encode(document), self.codec, sync))
            for count, data in self._encode_frames():
                content.update(data)
                file.write(encode_block(count, pack(self.codec, data), sync))
                self.rows += count
                blocks += 1
                self.progress.add_rows(count)
        return TableEntry(
            **msgspec.structs.asdict(self.source.definition),
            file=self.path.name,
            bytes=file.size,
            sha256=file.sha256,
            rows=self.rows,
            blocks=blocks,
            content_sha256=content.hexdigest(),
            avro_schema=document,
        )

    def discard(self) -> None:
        """Remove what was written."""
        self.progress.add_rows(-self.rows)
        self.path.unlink(missing_ok=True)

    def _encode_frames(self) -> Iterator[tuple[int, Buffer]]:
        row_codec = RowCodec(self.schema.fields)
        query = self.source.query_text(self.schema)
        for selected in prefetch(self.reader.stream(query)):
            frame = row_codec.to_primitives(selected)
            out_of_range = row_codec.find_out_of_range(frame)
            if out_of_range:
                raise OutOfRange(out_of_range)
            yield len(frame), row_codec.encode(frame)
