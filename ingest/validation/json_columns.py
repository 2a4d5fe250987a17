"""Rows of JSON that the quick look decoded, looked at column by column."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import msgspec

from ingest.payload.json_text import count_quotes
from ingest.validation.copy_data import CopyData, json_lines_as_csv
from ingest.validation.row_checks import Field

UNSET = msgspec.UNSET
_encoder = msgspec.json.Encoder()


class SoundRows:
    """Rows as tuples with a value for each field: `UNSET` where it is missing, None for null.

    Values of some types are the JSON text that came, also that of null.
    """

    def __init__(self, fields: list[Field], rows: list[tuple[Any, ...]]) -> None:
        self.rows = rows
        self._fields = fields

    def take(self, places: Iterable[int]) -> "SoundRows":
        """Return some of the rows."""
        return SoundRows(self._fields, list(map(self.rows.__getitem__, places)))

    def are_sound(self, text: bytes) -> bool:
        """Return whether every value passes its column's sweep and no key stands twice in `text`.

        The text is the one that the rows were decoded from.
        """
        if not all(map(self._is_sound, self._fields)):
            return False
        # Decoding keeps the last of two equal keys. What it kept has the quotes of its values only,
        # the text also those of each key and of each value that was lost.
        return count_quotes(text) - count_quotes(self._lines) == 2 * self._count_set()

    def copy_data(self, names: Sequence[str]) -> CopyData | None:
        """Return these columns as data for COPY, None where only SQL can read the values."""
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
        """Return a column's values as JSON has them, None for what is missing or null."""
        (found,) = (each for each in self._fields if each.column.name == name)
        values = self._values(found)
        return _mark_nulls(values) if found.is_raw and self._may_lack else values

    def presences(self, fields: Sequence[Field]) -> Iterable[tuple[bool, ...]]:
        """Return, row by row, which of the fields it brings."""
        if not fields:
            return [()] * len(self.rows)
        columns = [[value is not UNSET for value in self._column(each)] for each in fields]
        return zip(*columns, strict=True)

    def values_of(self, name: str) -> set[str]:
        """Return the text of each value of a column that is neither null nor missing."""
        return set(map(str, set(self.column(name)) - {None}))

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

    def _is_sound(self, each: Field) -> bool:
        screen = each.adapter.screen
        if not self._may_lack:
            return screen is None or screen(self._column(each))
        column = self._column(each)
        if each.is_raw:
            column = _mark_nulls(column)
            if each.column.not_null and None in column:
                return False
        return screen is None or screen([v for v in column if v is not None and v is not UNSET])

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
