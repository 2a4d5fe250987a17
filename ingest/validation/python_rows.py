"""Rows that Python has validated, as tuples of values."""

from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from typing import Any

import msgspec

from ingest.payload.json_text import count_quotes
from ingest.validation.copy_data import CopyData, json_lines_as_csv
from ingest.validation.fields import Field

UNSET = msgspec.UNSET
_encoder = msgspec.json.Encoder()


class PythonRows:
    """Rows as tuples with a value for each field: `UNSET` where it is missing, None for null.

    Values of some types are the JSON text that came, also that of null.
    """

    def __init__(self, fields: list[Field], rows: list[tuple[Any, ...]]) -> None:
        self.rows = rows
        self._fields = fields

    def take(self, positions: Iterable[int]) -> "PythonRows":
        return PythonRows(self._fields, list(map(self.rows.__getitem__, positions)))

    def are_good(self, text: bytes) -> bool:
        """Return whether every value passes its column's check and no key stands twice in `text`.

        The text is the one that the rows were decoded from.
        """
        if not all(map(self._is_good, self._fields)):
            return False
        # Decoding keeps the last of two equal keys. What it kept has the quotes of its values only,
        # the text also those of each key and of each value that was lost.
        return count_quotes(text) - count_quotes(self._lines) == 2 * self._count_set()

    def copy_data(self, names: Sequence[str]) -> CopyData | None:
        written = frozenset(names)
        chosen = [each for each in self._fields if each.column.name in written]
        forms = {each.adapter.copied_as for each in chosen}
        if not forms or None in forms:
            return None
        if forms == {"scalar"} and len(chosen) == len(self._fields):
            return json_lines_as_csv(self._lines)
        columns = [
            list(map(_as_text, self._values(each)))
            if each.adapter.copied_as == "document"
            else self._values(each)
            for each in chosen
        ]
        return json_lines_as_csv(_encode_lines(zip(*columns, strict=True)))

    def column(self, name: str) -> list[Any]:
        (found,) = (each for each in self._fields if each.column.name == name)
        values = self._values(found)
        return _mark_nulls(values) if found.is_raw and self._may_lack else values

    def distinct(self, name: str) -> Collection[Any]:
        return set(self.column(name)) - {None}

    def presences(self, fields: Sequence[Field]) -> Iterable[tuple[bool, ...]]:
        """Return, row by row, which of the fields it brings."""
        if not fields:
            return [()] * len(self.rows)
        columns = [[value is not UNSET for value in self._column(each)] for each in fields]
        return zip(*columns, strict=True)

    @cached_property
    def _encoded(self) -> tuple[bytes, bool]:
        try:
            lines = _encode_lines(self.rows)
        except TypeError:  # UNSET is no value
            return _encode_lines(zip(*map(self._values, self._fields), strict=True)), True
        return lines, b"null" in lines

    @property
    def _lines(self) -> bytes:
        """The values of each row as a JSON array on a line of its own."""
        return self._encoded[0]

    @property
    def _may_lack(self) -> bool:
        """Whether some value may be missing or null."""
        return self._encoded[1]

    def _is_good(self, each: Field) -> bool:
        check = each.adapter.check_column
        if not self._may_lack:
            return check is None or check(self._column(each))
        column = self._column(each)
        if each.is_raw:
            column = _mark_nulls(column)
            if each.column.not_null and None in column:
                return False
        return check is None or check([v for v in column if v is not None and v is not UNSET])

    def _column(self, each: Field) -> list[Any]:
        return list(map(each.pick, self.rows))

    def _values(self, each: Field) -> list[Any]:
        """Return what is written to a column, where it is not left out: null for what is missing.

        Raw values may be the JSON text of null.
        """
        column = self._column(each)
        return [None if v is UNSET else v for v in column] if each.optional else column

    def _count_set(self) -> int:
        unset = 0
        if self._may_lack:
            for each in self._fields:
                if each.optional:
                    unset += sum(value is UNSET for value in map(each.pick, self.rows))
        return len(self.rows) * len(self._fields) - unset


def _mark_nulls(column: list[Any]) -> list[Any]:
    """Return raw values with None for those that are null."""
    return [
        None if isinstance(value, msgspec.Raw) and bytes(value) == b"null" else value
        for value in column
    ]


def _encode_lines(rows: Iterable[Sequence[Any]]) -> bytes:
    return _encoder.encode_lines(list(rows))


def _as_text(value: Any) -> str | None:
    text = None if value is None else bytes(value).decode()
    return None if text == "null" else text
