"""Avro files that others wrote: their records as rows for the ingest writer."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from backups.avro.container import ContainerReader
from backups.avro.conversion import choose_converter, column_converter
from backups.avro.records import RecordReader
from backups.child.verify import check_foreign_file
from backups.errors import FileRefused
from backups.restore.appending import Appended, append_rows
from backups.store.files import open_plain
from ingest.catalog.definitions import Table
from ingest.outcome import OnConflict
from ingest.writing.tables import exposed_tables
from project.base.database import writer_connection

Progress = Callable[[int], None]

_encode = msgspec.json.Encoder().encode


def append_file(
    path: Path,
    table: str,
    *,
    renamed: Mapping[str, str],
    on_conflict: OnConflict = "reject",
    dry_run: bool = False,
    progress: Progress = lambda rows: None,
) -> Appended:
    """Append a foreign file's records to a table; what cannot be converted exactly is rejected.

    Fields are matched with columns by name, as CSV headers are; `renamed` maps a field's name to
    the column it is meant for. Raises `FileRefused` before a row is written.
    """
    check_foreign_file(path)
    known = exposed_tables().find_current(writer_connection(), table)
    rows = read_rows(path, known.table, renamed)
    return append_rows(table, rows, on_conflict=on_conflict, dry_run=dry_run, progress=progress)


def read_rows(path: Path, table: Table, renamed: Mapping[str, str]) -> Iterator[bytes]:
    """Yield each record as the JSON object that the ingest endpoint would be sent."""
    with os.fdopen(open_plain(path), "rb") as file:
        container = ContainerReader(file, os.fstat(file.fileno()).st_size)
        reader = RecordReader(container.header.schema, choose_converter)
        names = match_names([field.name for field in reader.fields], table, renamed)
        converters = [column_converter(_base_of(table, name)) for name in names]
        for block in container.blocks():
            for record in reader.read(block):
                values = [convert(value) for convert, value in zip(converters, record, strict=True)]
                yield _encode(dict(zip(names, values, strict=True)))


def match_names(fields: Sequence[str], table: Table, renamed: Mapping[str, str]) -> list[str]:
    """Return the column that each field is meant for; a field that matches none keeps its name."""
    columns = {_plain(name): name for name in table.by_name}
    unknown = sorted(set(renamed) - set(fields))
    if unknown:
        raise FileRefused(f"The file has no field {', '.join(unknown)}")
    unknown = sorted(set(renamed.values()) - set(table.by_name))
    if unknown:
        raise FileRefused(f"{table.full_name} has no column {', '.join(unknown)}")
    names = [renamed.get(name) or columns.get(_plain(name), name) for name in fields]
    if len(set(names)) != len(names):
        raise FileRefused("Two of the file's fields are meant for one column")
    return names


def _base_of(table: Table, name: str) -> str | None:
    column = table.by_name.get(name)
    return column.base if column is not None else None


def _plain(name: str) -> str:
    return name.strip().lower().replace("_", "").replace(" ", "")
