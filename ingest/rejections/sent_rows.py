"""Rejected rows as they are sent again: as they were kept, or corrected."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ingest.errors import BadShape, CsvSyntax, UnsupportedMediaType
from ingest.payload.csv_body import FieldValue, read_csv, read_record
from ingest.payload.json_syntax import Number, RepeatedKey, parse_json
from ingest.payload.media_type import MediaType
from ingest.payload.payload import SentRow
from project.base.errors import RowhouseError


class RawTruncated(RowhouseError):
    """Only the beginning of the row was kept: send the whole row."""

    code = "raw_truncated"


class RawUnreadable(RowhouseError):
    """The row's fields cannot be told apart: send the row as JSON."""

    code = "raw_unreadable"


@dataclass(frozen=True, slots=True)
class LockedRow:
    """A rejection in this transaction's hands."""

    id: int
    batch: UUID
    index: int
    format: str
    raw: bytes
    raw_bytes: int
    fields: list[str] | None  # the columns of a CSV record
    nulls: list[str] | None  # the words that mean null in it


@dataclass(frozen=True, slots=True)
class Correction:
    """A corrected row: a JSON object or a CSV record."""

    body: bytes
    media_type: MediaType


def read_raw(row: LockedRow) -> SentRow:
    """Return what has to be sent again: a JSON text, or the fields of a CSV record by column.

    Raises `RawTruncated` or `RawUnreadable` where that cannot be had from what was kept.
    """
    if row.raw_bytes > len(row.raw):
        raise RawTruncated
    if row.format == "json":
        return row.raw
    record = read_record(row.raw.decode(), row.nulls or ())
    if row.fields is None or len(record) != len(row.fields):
        raise RawUnreadable
    return dict(zip(row.fields, record, strict=True))


def read_correction(row: LockedRow, correction: Correction) -> SentRow:
    """Return a corrected row: a CSV record can be corrected as one, or as its fields by column.

    Raises `UnsupportedMediaType`, `BadShape`, or what is wrong with the CSV.
    """
    if row.format == "csv" and row.fields is not None:
        if correction.media_type.format == "csv":
            return _read_record(correction, row.fields, row.nulls or [])
        return _read_fields(correction.body) or correction.body
    if correction.media_type.format == "csv":
        raise UnsupportedMediaType("This row was JSON: its correction is taken as application/json")
    return correction.body


def _read_record(
    correction: Correction, columns: list[str], nulls: list[str]
) -> dict[str, FieldValue]:
    found = read_csv(correction.body, correction.media_type.codec, has_header=False, nulls=nulls)
    if len(found.records) != 1:
        raise BadShape("The body must be one CSV record, without a header")
    (record,) = found.records
    if len(record) != len(columns):
        order = ", ".join(columns)
        raise CsvSyntax(f"The record has {len(record)} fields, not those of {order}", line=1)
    return dict(zip(columns, record, strict=True))


def _read_fields(text: bytes) -> dict[str, FieldValue] | None:
    """Return the fields of an object that has nothing but strings and null, None for another."""
    try:
        row: Any = parse_json(text.decode())
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, dict) or isinstance(row, RepeatedKey):
        return None
    values = [value for value in row.values() if value is not None]
    return row if all(map(_is_text, [*row, *values])) else None


def _is_text(value: object) -> bool:
    """Return whether a value is a string that CSV can hold: without half a surrogate pair."""
    if not isinstance(value, str) or isinstance(value, Number):
        return False
    return not any("\ud800" <= character <= "\udfff" for character in value)
