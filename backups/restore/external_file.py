"""Avro files that other tools wrote: their records as rows for ingest."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from glob import glob, has_magic
from itertools import chain
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
from backups.store.manifest import MANIFEST_NAME
from ingest.catalog.column_names import NameMatcher
from ingest.catalog.definitions import Table
from ingest.outcome import OnConflict
from ingest.writing.tables import exposed_tables
from project.base.database import writer_connection

SUFFIX = ".avro"

_encode = msgspec.json.Encoder().encode


def is_external(source: str) -> bool:
    """Return whether a path or a glob of other tools' files is meant, not a backup."""
    if os.path.isfile(f"{source}/{MANIFEST_NAME}"):  # noqa: PTH113 - a long name is no error
        return False
    path = Path(source)
    is_path = os.path.lexists(source) or path.name != source or path.suffix.lower() == SUFFIX
    return is_path or has_magic(source)


def find_files(source: str) -> list[Path]:
    """Return the files that a path, a folder or a glob means, ordered by their names.

    In folders, names that begin with a dot or an underscore are passed over, as Hadoop does: these
    are checksums and markers (`.part-0000.crc`, `_SUCCESS`). Raises `FileRefused`.
    """
    found = [source] if os.path.lexists(source) else glob(source, recursive=True)  # noqa: PTH207
    files = dict.fromkeys(chain.from_iterable(_list_files(Path(path)) for path in sorted(found)))
    if not files:
        raise FileRefused(f"There is no file {source}")
    return list(files)


def append_files(
    paths: Sequence[Path],
    table: str,
    *,
    renamed: Mapping[str, str],
    on_conflict: OnConflict = "reject",
    dry_run: bool = False,
    progress: Progress = NO_PROGRESS,
) -> AppendReport:
    """Append files' records to a table; what cannot be converted exactly is rejected.

    Fields are matched with columns by name, as CSV headers are; `renamed` maps a field's name to
    the column it is meant for. Raises `FileRefused` before a row of any file is written.
    """
    for path in paths:
        verify_external_file(path)
    known = exposed_tables().find_current(writer_connection(), table)
    for path in paths:
        _check_fields(path, known.table, renamed)
    rows = chain.from_iterable(read_rows(path, known.table, renamed) for path in paths)
    return append_rows(table, rows, on_conflict=on_conflict, dry_run=dry_run, progress=progress)


def read_rows(path: Path, table: Table, renamed: Mapping[str, str]) -> Iterator[bytes]:
    """Yield each record as the JSON object that the ingest endpoint would be sent."""
    with _open_records(path) as (container, reader):
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


def _list_files(path: Path) -> Iterable[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(one for one in path.iterdir() if not one.name.startswith((".", "_")))
    folder = next((one for one in files if one.is_dir()), None)
    if folder is not None:
        raise FileRefused(f"{folder} is a folder in a folder: name the files, as {path}/**/*.avro")
    return files


@contextmanager
def _open_records(path: Path) -> Iterator[tuple[ContainerReader, RecordReader]]:
    with os.fdopen(open_plain(path), "rb") as file:
        container = ContainerReader(file, os.fstat(file.fileno()).st_size)
        yield container, RecordReader(container.header.schema, choose_converter)


def _check_fields(path: Path, table: Table, renamed: Mapping[str, str]) -> None:
    """Raise `FileRefused`, with the file's name, where its fields cannot be matched."""
    with _open_records(path) as (_, reader):
        try:
            match_names([field.name for field in reader.fields], table, renamed)
        except FileRefused as error:
            raise FileRefused(f"{path.name}: {error.message}") from error
