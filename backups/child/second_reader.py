"""A backup's files read with fastavro as well, and compared with what our own reader finds.

That our own reader understands our own files does not prove that other tools do.
"""

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import zip_longest
from typing import Any
from uuid import UUID

import fastavro

from backups.avro.rows import RowCodec
from backups.avro.schema import FileSchema
from backups.avro.types import DECIMAL_BYTES
from backups.child.check import check_files, open_table
from backups.errors import BackupDamaged
from backups.store.files import open_plain
from backups.store.folder import Backup, Problem
from backups.store.manifest import Manifest, TableEntry

# All blocks are unpacked and counted; so many, spread over the file, are decoded by both.
COMPARED_BLOCKS = 8

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def compare_backup(backup: Backup) -> Iterator[Problem]:
    """Yield the files that fastavro reads differently."""
    manifest = backup.read()
    return check_files(manifest.tables, lambda entry: compare_table(backup, manifest, entry))


def compare_table(backup: Backup, manifest: Manifest, entry: TableEntry) -> None:
    """Raise `BackupDamaged` unless fastavro finds the rows, and the sampled values, that we do."""
    every = max(1, entry.blocks // COMPARED_BLOCKS)
    rows = 0
    with (
        open_table(backup, manifest, entry) as (container, schema),
        os.fdopen(open_plain(backup.path_of(entry)), "rb") as file,
    ):
        codec = RowCodec(schema.fields)
        for number, (ours, theirs) in enumerate(zip_longest(container.blocks(), _blocks(file))):
            if ours is None or theirs is None or ours.count != theirs.num_records:
                raise BackupDamaged(f"fastavro reads other records in block {number}")
            rows += theirs.num_records
            if number % every == 0:
                frame = codec.decode(ours.count, ours.data)
                compare_values(frame.to_dict(as_series=False), list(theirs), schema)
    if rows != entry.rows:
        raise BackupDamaged(f"fastavro reads {rows} rows where there are {entry.rows}")


def _blocks(file: Any) -> Iterator[Any]:
    try:
        yield from fastavro.block_reader(file)
    # What a library raises for a file it does not like is no part of its interface.
    except Exception as error:
        raise BackupDamaged(f"fastavro cannot read the file: {error}") from error


def compare_values(
    columns: dict[str, list[Any]], records: Sequence[Any], schema: FileSchema
) -> None:
    """Raise `BackupDamaged` where a column of ours is not that of fastavro's records."""
    for field, ours in zip(schema.fields, columns.values(), strict=True):
        scale = field.adapter.attributes.get("scale", 0)
        theirs = [_to_primitive(record[field.avro_name], scale) for record in records]
        if not all(_is_same(one, other) for one, other in zip(ours, theirs, strict=True)):
            raise BackupDamaged(f"fastavro reads other values of {field.column}")


def _is_same(one: Any, other: Any) -> bool:
    # NaN alone is not equal to itself.
    return bool(one == other) or (one != one and other != other)


def _to_primitive(value: Any, scale: int) -> Any:
    """Return a value of a logical type as the primitive one that is in the file."""
    if isinstance(value, datetime):
        return ((value if value.tzinfo else value.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND
    if isinstance(value, date):
        return (value - _EPOCH.date()).days
    if isinstance(value, Decimal):
        return int(value.scaleb(scale)).to_bytes(DECIMAL_BYTES, "big", signed=True)
    return str(value) if isinstance(value, UUID) else value
