"""The quick look at JSON rows: msgspec and a sweep over each column vouch for whole batches.

What passes may be stored as it was sent; what does not pass is not wrong yet, but has to be
examined value by value (`examination`).
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from ingest.copying import CopyData, json_lines_as_csv
from ingest.examination import Field, Limits
from ingest.json_text import count_quotes, has_suspect_escape

UNSET = msgspec.UNSET
_astuple = msgspec.structs.astuple
raws = msgspec.json.Decoder(list[msgspec.Raw])
_encoder = msgspec.json.Encoder()

# Characters that msgspec does not take in the name of a field.
_UNNAMEABLE = frozenset('"\\') | {chr(code) for code in range(32)}


class QuickLook:
    """Recognises rows of one table that may be stored as they were sent."""

    def __init__(self, fields: list[Field], limits: Limits) -> None:
        self._fields = fields
        self._limits = limits
        row_type = _row_type(fields)
        self._row: msgspec.json.Decoder[Any] | None = (
            msgspec.json.Decoder(row_type) if row_type else None
        )
        self._rows = msgspec.json.Decoder(list[row_type]) if row_type else None  # type: ignore[valid-type]

    def decode_array(self, array: bytes) -> "SoundRows | None":
        """Return all rows of a JSON array if each of them is flawless, else None."""
        if self._rows is None or has_suspect_escape(array):
            return None
        try:
            rows = SoundRows(self._fields, self._rows.decode(array), array)
        except (msgspec.DecodeError, RecursionError):
            return None
        return rows if self._has_small_rows(array) and rows.are_sound() else None

    def decode_texts(self, texts: Sequence[bytes]) -> list[Any | None]:
        """Return the row of each JSON text that is flawless, None for the others."""
        rows = [self._decode_row(text) for text in texts]
        decoded = [(text, row) for text, row in zip(texts, rows, strict=True) if row is not None]
        if self._are_sound([row for _, row in decoded], b"\n".join(text for text, _ in decoded)):
            return rows
        # Some row among them is not what it seems: look at each alone.
        return [
            row if row is not None and self._are_sound([row], text) else None
            for text, row in zip(texts, rows, strict=True)
        ]

    def _decode_row(self, text: bytes) -> Any | None:
        if self._row is None or len(text) > self._limits.max_row_bytes:
            return None
        try:
            return self._row.decode(text)
        except (msgspec.DecodeError, RecursionError):
            return None

    def _are_sound(self, rows: list[Any], text: bytes) -> bool:
        return not has_suspect_escape(text) and SoundRows(self._fields, rows, text).are_sound()

    def _has_small_rows(self, array: bytes) -> bool:
        limit = self._limits.max_row_bytes
        return len(array) <= limit or max(map(len, map(bytes, raws.decode(array)))) <= limit


class SoundRows:
    """Decoded rows beside the text they came from, looked at column by column."""

    def __init__(self, fields: list[Field], rows: list[Any], text: bytes) -> None:
        self._fields = fields
        self._text = text
        self.rows = rows
        self._tuples = list(map(_astuple, rows))
        try:
            self._lines = _encode_lines(self._tuples)
            self._may_lack = b"null" in self._lines  # some value may be missing or null
        except TypeError:  # UNSET is no value
            self._lines = _encode_lines(zip(*map(self._values, fields), strict=True))
            self._may_lack = True

    def are_sound(self) -> bool:
        """Return whether every value passes its column's sweep and no key stands twice."""
        return all(map(self._is_sound, self._fields)) and self._count_keys() == self._count_set()

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

    def values_of(self, name: str) -> set[str]:
        """Return the text of each value of a column that is neither null nor missing."""
        (pick,) = (each.pick for each in self._fields if each.column.name == name)
        return set(map(str, set(map(pick, self._tuples)) - {None, UNSET}))

    def _is_sound(self, each: Field) -> bool:
        screen = each.adapter.screen
        if not self._may_lack:
            return screen is None or screen(self._column(each))
        column = self._column(each)
        if each.is_raw and each.column.not_null and None in column:
            return False
        return screen is None or screen([v for v in column if v is not None and v is not UNSET])

    def _column(self, each: Field) -> list[Any]:
        column = list(map(each.pick, self._tuples))
        return _mark_nulls(column) if each.is_raw and self._may_lack else column

    def _values(self, each: Field) -> list[Any]:
        """Return what is written to a column, where it is not left out: null for what is missing.

        Raw values may be the JSON text of null.
        """
        column = list(map(each.pick, self._tuples))
        return [None if v is UNSET else v for v in column] if each.optional else column

    def _count_keys(self) -> int:
        """Return how many keys the rows' text has.

        Decoding keeps the last of two equal keys. What it kept has the quotes of its values only,
        the text also those of each key and of each value that was lost.
        """
        return (count_quotes(self._text) - count_quotes(self._lines)) // 2

    def _count_set(self) -> int:
        unset = 0
        if self._may_lack:
            for each in self._fields:
                if each.optional:
                    unset += sum(value is UNSET for value in map(each.pick, self._tuples))
        return len(self.rows) * len(self._fields) - unset


def _row_type(fields: list[Field]) -> type | None:
    if any(set(each.column.name) & _UNNAMEABLE for each in fields):
        return None
    return msgspec.defstruct(
        "Row",
        [_row_field(each) for each in fields],
        rename={each.attribute: each.column.name for each in fields},
        forbid_unknown_fields=True,
        kw_only=True,
        gc=False,
    )


def _row_field(each: Field) -> tuple[str, Any] | tuple[str, Any, Any]:
    annotation = each.adapter.annotation
    if not each.is_raw and not each.column.not_null:
        annotation = annotation | None
    if each.optional:
        return each.attribute, annotation | msgspec.UnsetType, UNSET
    return each.attribute, annotation


def _mark_nulls(column: list[Any]) -> list[Any]:
    """Return raw values with None for those that are null."""
    return [None if value is not UNSET and bytes(value) == b"null" else value for value in column]


def _encode_lines(rows: Iterable[Sequence[Any]]) -> bytes:
    """Return the values of each row as a JSON array on a line of its own."""
    return _encoder.encode_lines(list(rows))


def _as_text(value: Any) -> str | None:
    text = None if value is None else bytes(value).decode()
    return None if text == "null" else text
