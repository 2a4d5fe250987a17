"""A backup's files looked at from outside: what is missing, changed or cannot be decoded.

Runs in a process of its own (`inspection`), for the files may be hostile.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from uuid import UUID

import polars as pl

from backups.avro.codecs import Buffer
from backups.avro.container import ContainerReader
from backups.avro.prefetch import prefetch
from backups.avro.records import RecordReader
from backups.avro.rows import RowCodec
from backups.avro.schema import FileSchema, parse_schema
from backups.child.main import PIECE, Answer, Request
from backups.errors import BackupDamaged, BackupError, FileRefused
from backups.store.files import CHUNK_BYTES, open_plain
from backups.store.folder import Backup
from backups.store.manifest import MANIFEST_NAME, Manifest, TableEntry
from ingest.validation.copy_data import HEADER, TRAILER

Progress = Callable[[int], None]
Problem = tuple[str, str]  # the file and what is wrong with it


def examine(request: Request, say: Callable[[Answer], None], out: IO[bytes]) -> None:
    """Do what a request asks for; say what is found, write the rows that are wanted."""
    path = Path(request.path)
    backup = Backup(path, UUID(int=0), datetime.now(UTC))

    def progress(rows: int) -> None:
        say(Answer(rows=rows))

    try:
        if request.task == "foreign":
            examine_foreign(path, progress)
        elif request.task == "copy":
            rows, content = write_copy(
                backup, request.tables[0], request.places, out, binary=request.binary
            )
            say(Answer(rows=rows, content_sha256=content))
        elif request.task == "second":
            for problem in _read_again(backup):
                say(Answer(problem=problem))
        else:
            for problem in examine_backup(
                backup, tables=request.tables, records=request.records, progress=progress
            ):
                say(Answer(problem=problem))
    except BackupError as error:
        say(Answer(problem=(path.name, error.message)))
    except OSError as error:
        say(Answer(problem=(path.name, f"The file cannot be read: {error.strerror or error}")))


def examine_backup(
    backup: Backup, *, tables: list[str], records: bool, progress: Progress
) -> Iterator[Problem]:
    """Yield every problem of a backup; `records` has each record decoded too.

    With `tables`, only these files are looked into.
    """
    try:
        manifest = backup.read()
    except BackupDamaged as error:
        yield MANIFEST_NAME, error.message
        return
    yield from find_strangers(backup, manifest)
    for entry in manifest.tables:
        if tables and entry.full_name not in tables:
            continue
        try:
            _examine_file(backup, manifest, entry, records=records, progress=progress)
        except BackupError as error:
            yield entry.file, error.message
        except OSError as error:
            yield entry.file, f"The file cannot be read: {error.strerror or error}"


def _read_again(backup: Backup) -> Iterator[Problem]:
    """Yield what a reader that is not ours does not read as we do."""
    # A library that only the drill needs: every examination would wait for it.
    from backups.child.second_reader import compare_readings

    manifest = backup.read()
    for entry in manifest.tables:
        try:
            compare_readings(backup, manifest, entry)
        except BackupError as error:
            yield entry.file, error.message


def examine_foreign(path: Path, progress: Progress) -> int:
    """Decode every record of a file that others wrote; return how many there are."""
    rows = 0
    with os.fdopen(open_plain(path), "rb") as file:
        container = ContainerReader(file, path.stat().st_size)
        reader = RecordReader(container.header.schema)
        for block in container.blocks():
            for _ in reader.read(block):
                rows += 1
            progress(block.count)
    return rows


def check_schema(entry: TableEntry, document: object) -> FileSchema:
    """Return a file's schema; raise `BackupDamaged` unless it is the manifest's and the table's."""
    if document != entry.avro_schema:
        raise BackupDamaged("The file's schema is not the manifest's")
    schema = parse_schema(document)
    named = [(field.column, field.type) for field in schema.fields]
    columns = [(column.name, column.type) for column in entry.columns]
    if (schema.schema, schema.table, named) != (entry.schema, entry.table, columns):
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
        if hash_file(file) != entry.sha256:
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
    backup: Backup, table: str, places: Sequence[int], out: IO[bytes], *, binary: bool
) -> tuple[int, str]:
    """Write some columns of a table's rows in the text format of COPY, or in the binary one.

    Return how many rows there are, and the checksum of these columns' records. What was written
    before an error is worth nothing.
    """
    manifest = backup.read()
    entry = next(one for one in manifest.tables if one.full_name == table)
    content = hashlib.sha256()
    with open_table(backup, manifest, entry) as (container, schema):
        codec = RowCodec(schema.fields)
        is_whole = list(places) == list(range(len(schema.fields)))
        _write_piece(out, 0, HEADER if binary else b"")
        for frame in prefetch(read_frames(container, entry, schema)):
            write = codec.to_binary if binary else codec.to_copy
            _write_piece(out, len(frame), write(frame, places))
            if not is_whole:
                content.update(_encode_columns(codec, frame, places))
        _write_piece(out, 0, TRAILER if binary else b"")
    out.flush()
    return entry.rows, entry.content_sha256 if is_whole else content.hexdigest()


def _write_piece(out: IO[bytes], rows: int, data: Buffer) -> None:
    out.write(PIECE.pack(rows, len(memoryview(data))))
    out.write(data)


def _encode_columns(codec: RowCodec, frame: pl.DataFrame, places: Sequence[int]) -> Buffer:
    subset = RowCodec(tuple(codec.fields[place] for place in places))
    taken = frame.select([codec.names[place] for place in places])
    taken.columns = subset.names
    return subset.encode(taken)


def find_strangers(backup: Backup, manifest: Manifest) -> Iterator[Problem]:
    """Yield what is in the folder and not in the manifest, and what is named twice."""
    expected = {entry.file for entry in manifest.tables} | {MANIFEST_NAME}
    if len(expected) != len(manifest.tables) + 1:
        yield MANIFEST_NAME, "The manifest names a file twice"
    for path in backup.folder.iterdir():
        if path.name not in expected:
            yield path.name, "The manifest does not know this file"


def hash_file(file: IO[bytes]) -> str:
    """Return the checksum of all that is left of a file."""
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def _examine_file(
    backup: Backup, manifest: Manifest, entry: TableEntry, *, records: bool, progress: Progress
) -> None:
    with open_table(backup, manifest, entry) as (container, schema):
        if not records:
            progress(entry.rows)
            return
        for frame in read_frames(container, entry, schema):
            progress(len(frame))
