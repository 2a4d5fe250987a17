"""The columns that rows may bring, compiled: how large and of what kind their values may be."""

from collections.abc import Collection
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import msgspec

from ingest.catalog.definitions import Column, Table
from ingest.validation.values import adapter_for
from ingest.validation.values.adapter import Adapter, Fault, Value, refuse_blank

# Stands for a value that `Field.read` does not take.
REFUSED = object()


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a batch and its parts may be."""

    max_rows: int
    max_row_bytes: int
    max_depth: int
    max_number_digits: int
    blank_is_missing: bool = True  # a text of white space alone, where a value is required


class Field:
    """A column that rows may bring, and how its values are checked."""

    def __init__(self, column: Column, place: int, limits: Limits, *, required: bool) -> None:
        self.column = column
        is_text = column.kind == "text" or column.base == "char"
        self.refuses_blank = limits.blank_is_missing and column.required and is_text
        adapter = adapter_for(column, max_depth=limits.max_depth)
        self.adapter: Adapter = refuse_blank(adapter) if self.refuses_blank else adapter
        self._check_column = adapter.check_column
        self.attribute = f"f{place}"
        self.pick = itemgetter(place)
        self.optional = not required
        self.is_raw = self.adapter.annotation is msgspec.Raw
        self._decode = msgspec.json.Decoder(self.adapter.annotation).decode

    def is_empty(self, value: Value | Fault) -> bool:
        """Return whether a value of a required column counts as missing."""
        return value == "" or (self.refuses_blank and isinstance(value, str) and value.isspace())

    def read(self, text: bytes) -> Any:
        """Return the value of a JSON text, not that of null, where that is certain.

        `REFUSED` where only a check of the value can tell.
        """
        try:
            value = self._decode(text)
        except (msgspec.DecodeError, RecursionError):
            return REFUSED
        if self.refuses_blank and value.isspace():
            return REFUSED
        check = self._check_column
        return value if check is None or check((value,)) else REFUSED


def make_fields(
    table: Table, limits: Limits, required: Collection[str] | None = None
) -> list[Field]:
    """Return the columns that rows of a table may bring.

    Of those that a stored row must have they need only bring the `required` ones, if that is given.
    """
    return [
        Field(
            column,
            place,
            limits,
            required=column.required and (required is None or column.name in required),
        )
        for place, column in enumerate(table.writable)
    ]
