"""Avro files that others wrote: their records as rows for the ingest writer."""

import base64
import math
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from backups.appending import Appended, append_rows
from backups.container import ContainerReader
from backups.errors import FileRefused
from backups.files import open_plain
from backups.records import RecordField, RecordReader
from backups.verify import check_foreign_file
from ingest.catalog import Table
from ingest.outcome import OnConflict
from ingest.registry import exposed_tables
from project.database import writer_connection

Progress = Callable[[int], None]
Convert = Callable[[Any], Any]

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  (the offset is added where the type has one)
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
    known = exposed_tables().find(writer_connection(), table)
    rows = read_rows(path, known.table, renamed)
    return append_rows(table, rows, on_conflict=on_conflict, dry_run=dry_run, progress=progress)


def read_rows(path: Path, table: Table, renamed: Mapping[str, str]) -> Iterator[bytes]:
    """Yield each record as the JSON object that the ingest endpoint would be sent."""
    with os.fdopen(open_plain(path), "rb") as file:
        container = ContainerReader(file, os.fstat(file.fileno()).st_size)
        reader = RecordReader(container.header.schema)
        names = _match_names(reader.fields, table, renamed)
        converters = [_converter(field.type) for field in reader.fields]
        for block in container.blocks():
            for record in reader.read(block):
                values = [convert(value) for convert, value in zip(converters, record, strict=True)]
                yield _encode(dict(zip(names, values, strict=True)))


def _match_names(fields: list[RecordField], table: Table, renamed: Mapping[str, str]) -> list[str]:
    columns = {_plain(name): name for name in table.by_name}
    unknown = set(renamed) - {field.name for field in fields}
    if unknown:
        raise FileRefused(f"The file has no field {', '.join(sorted(unknown))}")
    names = [
        renamed.get(field.name) or columns.get(_plain(field.name), field.name) for field in fields
    ]
    if len(set(names)) != len(names):
        raise FileRefused("Two of the file's fields are meant for one column")
    return names


def _plain(name: str) -> str:
    return name.strip().lower().replace("_", "").replace(" ", "")


def _converter(avro_type: Any) -> Convert:
    """Return what turns a value into JSON for the ingest rules, without losing anything."""
    if isinstance(avro_type, list):
        branches = [one for one in avro_type if one != "null"]
        convert = _converter(branches[0]) if len(branches) == 1 else _to_json
        return lambda value: None if value is None else convert(value)
    if isinstance(avro_type, dict):
        logical = avro_type.get("logicalType")
        if logical == "decimal":
            return _decimal(avro_type.get("scale", 0))
        if isinstance(logical, str) and logical in _LOGICAL:
            return _LOGICAL[logical]
        return _converter(avro_type.get("type")) if len(avro_type) == 1 else _to_json
    return _to_json


def _to_json(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, list):
        return [_to_json(one) for one in value]
    if isinstance(value, dict):
        return {key: _to_json(one) for key, one in value.items()}
    return value


def _decimal(scale: Any) -> Convert:
    if not isinstance(scale, int) or not 0 <= scale <= 1000:
        raise FileRefused("A decimal in the file's schema has no usable scale")
    return lambda value: format(
        Decimal(int.from_bytes(value, "big", signed=True)).scaleb(-scale), "f"
    )


def _date(days: int) -> str:
    try:
        return (date(1970, 1, 1) + timedelta(days=days)).isoformat()
    except OverflowError:
        return f"{days} days after 1970-01-01"


def _moment(unit_us: int, offset: str) -> Convert:
    def convert(number: int) -> str:
        try:
            moment = _EPOCH + timedelta(microseconds=number * unit_us)
        except OverflowError:
            return f"{number * unit_us} microseconds after 1970-01-01"
        return moment.isoformat() + offset

    return convert


def _time(unit_us: int) -> Convert:
    def convert(number: int) -> str:
        if not 0 <= number * unit_us < 86_400_000_000:
            return f"{number * unit_us} microseconds after midnight"
        return (_EPOCH + timedelta(microseconds=number * unit_us)).time().isoformat()

    return convert


_LOGICAL: dict[str, Convert] = {
    "date": _date,
    "time-millis": _time(1000),
    "time-micros": _time(1),
    "timestamp-millis": _moment(1000, "+00:00"),
    "timestamp-micros": _moment(1, "+00:00"),
    "local-timestamp-millis": _moment(1000, ""),
    "local-timestamp-micros": _moment(1, ""),
}
