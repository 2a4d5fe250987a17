"""Rows checked column by column: msgspec decodes all of them, then each column is looked at once.

What passes may be stored as it was sent. What does not pass is not wrong yet: it has to be checked
row by row (`row_checks`).
"""

from collections.abc import Sequence
from itertools import compress
from typing import Any

import msgspec

from ingest.payload.json_text import has_suspect_escape
from ingest.validation.fields import Field, Limits
from ingest.validation.python_rows import PythonRows
from ingest.validation.row_texts import RowTexts

UNSET = msgspec.UNSET
_astuple = msgspec.structs.astuple

# Characters that msgspec does not take in the name of a field.
_UNNAMEABLE = frozenset('"\\') | {chr(code) for code in range(32)}


class ColumnChecks:
    """Recognises rows of one table that may be stored as they were sent."""

    def __init__(self, fields: list[Field], limits: Limits) -> None:
        self._fields = fields
        self._limits = limits
        row_type = _row_type(fields)
        self._row: msgspec.json.Decoder[Any] | None = (
            msgspec.json.Decoder(row_type) if row_type else None
        )
        self._rows = msgspec.json.Decoder(list[row_type]) if row_type else None  # type: ignore[valid-type]

    def check_all(self, texts: RowTexts) -> PythonRows | None:
        """Return all rows if each of them certainly is good, else None."""
        array = texts.array
        if self._rows is None or array is None or has_suspect_escape(array):
            return None
        if not texts.are_within(self._limits.max_row_bytes):
            return None
        try:
            rows = self._as_rows(self._rows.decode(array))
        except (msgspec.DecodeError, RecursionError):
            return None
        # A line that is not one row makes another number of rows (see `join_lines`).
        is_alike = texts.lines is None or len(texts.lines) == len(rows.rows)
        return rows if is_alike and rows.are_good(array) else None

    def check_each(self, texts: Sequence[bytes]) -> tuple[Sequence[int], PythonRows]:
        """Return the positions of the texts that certainly are good rows, and these rows."""
        positions, decoded = self._decode_each(texts)
        rows = self._as_rows(decoded)
        text = b"\n".join(map(texts.__getitem__, positions))
        if not has_suspect_escape(text) and rows.are_good(text):
            return positions, rows
        # Some row among them is not what it seems: check each alone.
        good = [
            (position, row)
            for position, row in zip(positions, decoded, strict=True)
            if self._is_good(row, texts[position])
        ]
        return [position for position, _ in good], self._as_rows([row for _, row in good])

    def _decode_each(self, texts: Sequence[bytes]) -> tuple[Sequence[int], list[Any]]:
        """Return the positions of the texts that can be decoded, and the rows they are."""
        decoded: list[Any] = []
        if self._row is None:
            return [], decoded
        if max(map(len, texts)) > self._limits.max_row_bytes:
            texts = [text if len(text) <= self._limits.max_row_bytes else b"" for text in texts]
        failing: list[int] = []
        left = map(self._row.decode, texts)
        while len(decoded) + len(failing) < len(texts):
            try:
                # Goes on where a text that failed has ended it; what came before is kept.
                decoded.extend(left)
            except (msgspec.DecodeError, RecursionError):
                failing.append(len(decoded) + len(failing))
        return _leave_out(failing, len(texts)), decoded

    def _is_good(self, row: Any, text: bytes) -> bool:
        return not has_suspect_escape(text) and self._as_rows([row]).are_good(text)

    def _as_rows(self, rows: Sequence[Any]) -> PythonRows:
        return PythonRows(self._fields, list(map(_astuple, rows)))


def _leave_out(positions: Sequence[int], count: int) -> Sequence[int]:
    left = bytearray(b"\1") * count
    for position in positions:
        left[position] = 0
    return list(compress(range(count), left))


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
