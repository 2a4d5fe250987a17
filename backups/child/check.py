"""Backup files checked and decoded: what is missing, changed or cannot be read.

Runs in the child process (`main`), for the files may be hostile.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypeVar

import polars as pl

from backups.avro.codecs import Buffer
from backups.avro.container import ContainerReader
from backups.avro.records import RecordReader
from backups.avro.rows import RowCodec
from backups.avro.schema import FileSchema, parse_schema
from backups.child.protocol import PIECE_HEADER
from backups.errors import BackupDamaged, BackupError, FileRefused
from backups.prefetch import prefetch
from backups.progress import Progress
from backups.store.files import open_plain
from backups.store.folder import Backup, Problem
from backups.store.manifest import MANIFEST_NAME, DefinitionFile, Manifest, TableEntry
from ingest.validation.copy_data import HEADER, TRAILER

F = TypeVar("F", TableEntry, DefinitionFile)


def check_backup(
    backup: Backup, tables: Sequence[str], *, decode: bool, progress: Progress
) -> Iterator[Problem]:
    """Yield every problem of a backup; `decode` has each record decoded too.

    With `tables`, only these files are opened.
    """
    try:
        manifest = backup.read()
    except BackupDamaged as error:
        yield Problem(MANIFEST_NAME, error.message)
        return

    def check(entry: TableEntry) -> None:
        with open_table(backup, manifest, entry) as (container, schema):
            if not decode:
                progress.add_rows(entry.rows)
                return
            for frame in read_frames(container, entry, schema):
                progress.add_rows(len(frame))

    yield from backup.find_unknown_files(manifest)
    chosen = [entry for entry in manifest.tables if not tables or entry.full_name in tables]
    yield from check_files(chosen, check)
    if not tables:
        yield from check_files(manifest.definitions, backup.read_definitions)


def check_files(entries: Sequence[F], check: Callable[[F], object]) -> Iterator[Problem]:
    """Yield what a check finds wrong with files."""
    for entry in entries:
        try:
            check(entry)
        except (BackupError, OSError) as error:
            yield Problem(entry.file, describe_error(error))


def describe_error(error: BackupError | OSError) -> str:
    """Return what an error says about the file that was read."""
    if isinstance(error, BackupError):
        return error.message
    return f"The file cannot be read: {error.strerror or error}"


def check_external_file(path: Path, progress: Progress) -> None:
    """Decode every record of a file that another tool wrote."""
    with os.fdopen(open_plain(path), "rb") as file:
        container = ContainerReader(file, path.stat().st_size)
        reader = RecordReader(container.header.schema)
        for block in container.blocks():
            for _ in reader.read(block):
                pass
            progress.add_rows(block.count)


def check_schema(entry: TableEntry, document: object) -> FileSchema:
    """Return a file's schema; raise `BackupDamaged` unless it is the manifest's and the table's."""
    if document != entry.avro_schema:
        raise BackupDamaged("The file's schema is not the manifest's")
    schema = parse_schema(document)
    named = [(field.column, field.type) for field in schema.fields]
    columns = [(column.name, column.type) for column in entry.columns]
    # Earlier versions stored virtual columns too.
    stored = [(column.name, column.type) for column in entry.columns if not column.virtual]
    is_of_table = (schema.schema, schema.table) == (entry.schema, entry.table)
    if not is_of_table or named not in (stored, columns):
        raise BackupDamaged("The file's schema is that of another table")
    return schema


@contextmanager
def open_table(
    backup: Backup, manifest: Manifest, entry: TableEntry
) -> Iterator[tuple[ContainerReader, FileSchema]]:
    """Open a table's file, once its bytes and its header are found to be what was written."""
    with os.fdopen(open_plain(backup.path_of(entry)), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size != entry.bytes:
            raise BackupDamaged(f"The file has {size} bytes where {entry.bytes} were written")
        if hashlib.file_digest(file, "sha256").hexdigest() != entry.sha256:
            raise BackupDamaged("The file is not what was written: its checksum is wrong")
        file.seek(0)
        container = ContainerReader(file, size)
        if container.header.codec != manifest.codec:
            raise BackupDamaged(f"The file's codec is {container.header.codec[:50]!r}")
        yield container, check_schema(entry, container.header.schema)


def read_frames(
    container: ContainerReader, entry: TableEntry, schema: FileSchema
) -> Iterator[pl.DataFrame]:
    """Yield a table's rows; raise `FileRefused` unless they are, all in all, the manifest's."""
    codec = RowCodec(schema.fields)
    content = hashlib.sha256()
    rows = blocks = 0
    for block in container.blocks():
        content.update(block.data)
        rows += block.count
        blocks += 1
        yield codec.decode(block.count, block.data)
    if (rows, blocks) != (entry.rows, entry.blocks):
        raise FileRefused(
            f"The file has {rows} rows in {blocks} blocks, the manifest says {entry.rows} in "
            f"{entry.blocks}"
        )
    if content.hexdigest() != entry.content_sha256:
        raise FileRefused("The records are not those that the manifest was made of")


def write_copy(
    backup: Backup, table: str, positions: Sequence[int], out: IO[bytes], *, binary: bool
) -> tuple[int, str]:
    """Write some columns of a table's rows in the text format of COPY, or in the binary one.

    Return how many rows there are, and the checksum of these columns' records. After an error
    nothing that was written may be used.
    """
    manifest = backup.read()
    entry = next(one for one in manifest.tables if one.full_name == table)
    content = hashlib.sha256()
    with open_table(backup, manifest, entry) as (container, schema):
        codec = RowCodec(schema.fields)
        is_whole = list(positions) == list(range(len(schema.fields)))
        encode = codec.to_binary if binary else codec.to_copy
        _write_piece(out, 0, HEADER if binary else b"")
        for frame in prefetch(read_frames(container, entry, schema)):
            _write_piece(out, len(frame), encode(frame, positions))
            if not is_whole:
                content.update(_encode_columns(codec, frame, positions))
        _write_piece(out, 0, TRAILER if binary else b"")
    out.flush()
    return entry.rows, entry.content_sha256 if is_whole else content.hexdigest()


def _write_piece(out: IO[bytes], rows: int, data: Buffer) -> None:
    out.write(PIECE_HEADER.pack(rows, len(memoryview(data))))
    out.write(data)


def _encode_columns(codec: RowCodec, frame: pl.DataFrame, positions: Sequence[int]) -> Buffer:
    subset = RowCodec(tuple(codec.fields[position] for position in positions))
    columns = frame.select([codec.names[position] for position in positions])
    columns.columns = subset.names
    return subset.encode(columns)
