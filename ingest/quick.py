"""The quick look at JSON rows: msgspec and a sweep over each column vouch for whole batches.

What passes may be stored as it was sent; what does not pass is not wrong yet, but has to be
examined value by value (`examination`).
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from ingest.copying import join_copy, to_copy_fields
from ingest.examination import Field, Limits

UNSET = msgspec.UNSET
_astuple = msgspec.structs.astuple
raws = msgspec.json.Decoder(list[msgspec.Raw])

_ABSENT = {type(None), msgspec.UnsetType}

# Escapes that stand for what PostgreSQL cannot store, or that msgspec refuses as a syntax error.
_SUSPECT_ESCAPES = (b"\\u0000", b"\\ud", b"\\uD")

# Characters that msgspec does not take in the name of a field.
_UNNAMEABLE = frozenset('"\\') | {chr(code) for code in range(32)}

_WHITE_SPACE = b" \t\n\r"


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
        columns = zip(*map(_astuple, rows), strict=True) if rows else ([] for _ in fields)
        self._columns = [
            _read_raw(column) if each.is_raw else column
            for each, column in zip(fields, columns, strict=True)
        ]
        # Which types occur, in the columns where a value may be missing or null.
        self._kinds = [
            set() if each.column.required and not each.is_raw else set(map(type, column))
            for each, column in zip(fields, self._columns, strict=True)
        ]

    def are_sound(self) -> bool:
        """Return whether every value passes its column's sweep and no key stands twice."""
        inner_separators = unset = 0
        for each, column, kinds in zip(self._fields, self._columns, self._kinds, strict=True):
            if msgspec.UnsetType in kinds:
                unset += sum(value is UNSET for value in column)
            if each.column.not_null and type(None) in kinds:
                return False
            if each.adapter.screen is None:
                continue
            given = [v for v in column if v is not None and v is not UNSET] if kinds else column
            if not each.adapter.screen(given):
                return False
            if each.adapter.verbatim:
                inner_separators += count_separators("\n".join(given).encode())
        # Decoding keeps the last of two equal keys. A row's keys are all known columns, so a key
        # stands twice only where there are more separators than values.
        keys = len(self.rows) * len(self._fields) - unset
        return count_separators(self._text) - inner_separators == keys

    def copy_text(self, names: Sequence[str]) -> str | None:
        """Return these columns as COPY's text format, None where only SQL can read the values."""
        # Without a backslash in the JSON no string holds what COPY would have escaped.
        if b"\\" in self._text:
            return None
        written = frozenset(names)
        chosen = []
        for each, column, kinds in zip(self._fields, self._columns, self._kinds, strict=True):
            if each.column.name in written:
                fields = to_copy_fields(each.adapter.copied_as, column, bool(kinds & _ABSENT))
                if fields is None:
                    return None
                chosen.append(fields)
        return join_copy(chosen)


def has_suspect_escape(text: bytes) -> bool:
    """Return whether a JSON text has an escape that needs a closer look."""
    return b"\\" in text and any(escape in text for escape in _SUSPECT_ESCAPES)


def count_separators(text: bytes) -> int:
    """Return at least the number of keys in a JSON text, and exactly that in almost every one.

    A key is followed by its quote and a colon, maybe with white space between. The same bytes
    inside a string are counted too, which only sends the row to the slow look.
    """
    return text.translate(None, _WHITE_SPACE).count(b'":')


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


def _read_raw(column: Sequence[Any]) -> list[Any]:
    """Return the JSON text of each raw value, None for null."""
    try:
        texts = b"\n".join(column).decode().split("\n")
    except TypeError:  # some value is missing
        return [value if value is UNSET else _read_raw([value])[0] for value in column]
    if len(texts) != len(column):  # some value spans lines
        texts = [bytes(value).decode() for value in column]
    return [None if text == "null" else text for text in texts] if "null" in texts else texts
