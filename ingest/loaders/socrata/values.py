"""Socrata's rows as rows of our tables: every selected column, nulls included."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from ingest.catalog.definitions import Table

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class FieldColumn:
    """A column and the field of the dataset that fills it."""

    column: str
    field: str
    is_text: bool


def match_columns(table: Table, fields: Mapping[str, str]) -> list[FieldColumn]:
    """Return the columns a row may bring; a field has its column's name unless `fields` differs."""
    return [
        FieldColumn(column.name, fields.get(column.name, column.name), column.kind == "text")
        for column in table.writable
    ]


def encode_row(row: Mapping[str, Any], columns: Sequence[FieldColumn]) -> bytes:
    """Return the row as JSON with each of the columns.

    Socrata leaves out what is null; an update would keep the old value of a column that is not
    brought, so nulls are said.
    """
    return _encode({one.column: _value(row.get(one.field), one) for one in columns})


def _value(value: Any, column: FieldColumn) -> Any:
    if column.is_text and isinstance(value, dict | list):
        return describe_place(value) or _encode(value).decode()
    return value


def describe_place(value: Any) -> str | None:
    """Return a point or a location as the portal's exports write it, None for anything else."""
    match value:
        case {"type": "Point", "coordinates": [longitude, latitude]}:
            return f"({latitude}, {longitude})"
        case {"latitude": latitude, "longitude": longitude}:
            return f"({latitude}, {longitude})"
    return None
