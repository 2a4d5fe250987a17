"""Avro files that other tools wrote: their records as rows for ingest."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from backups.avro.container import ContainerReader
from backups.avro.conversion import choose_converter, column_converter
from backups.avro.records import RecordReader
from backups.child.verify import verify_external_file
from backups.errors import FileRefused
from backups.progress import NO_PROGRESS, Progress
from backups.restore.append import AppendReport, append_rows
from backups.store.files import open_plain
from ingest.catalog.column_names import NameMatcher
from ingest.catalog.definitions import Table
from ingest.outcome import OnConflict
from ingest.writing.tables import exposed_tables
from project.base.database import writer_connection

_encode = msgspec.json.Encoder().encode


def append_file(
    path: Path,
    table: str,
    *,
    renamed: Mapping[str, str],
    on_conflict: OnConflict = "reject",
    dry_run: bool = False,
    progress: Progress = NO_PROGRESS,
) -> AppendReport:
    """Append a file's records to a table; what cannot be converted exactly is rejected.

    Fields are matched with columns by name, as CSV headers are; `renamed` maps a field's name to
    the column it is meant for. Raises `FileRefused` before a row is written.
    """
    verify_external_file(path)
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
    unknown = sorted(set(renamed) - set(fields))
    if unknown:
        raise FileRefused(f"The file has no field {', '.join(unknown)}")
    unknown = sorted(set(renamed.values()) - set(table.by_name))
    if unknown:
        raise FileRefused(f"{table.full_name} has no column {', '.join(unknown)}")
    columns = NameMatcher(table.by_name)
    names = [renamed.get(name) or _find_column(name, columns) for name in fields]
    if len(set(names)) != len(names):
        raise FileRefused("Two of the file's fields are meant for one column")
    return names


def _find_column(field: str, columns: NameMatcher) -> str:
    found = columns.find(field)
    if len(found) > 1:
        raise FileRefused(f"The field {field} could be any of the columns {', '.join(found)}")
    return found[0] if found else field


def _base_of(table: Table, name: str) -> str | None:
    column = table.by_name.get(name)
    return column.base if column is not None else None
