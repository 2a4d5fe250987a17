"""The quick look at JSON rows: msgspec and a sweep over each column vouch for whole batches.

What passes may be stored as it was sent; what does not pass is not wrong yet, but has to be
examined value by value (`examination`).
"""

from collections.abc import Iterable, Sequence
from itertools import compress
from typing import Any

import msgspec

from ingest.payload.json_text import has_suspect_escape
from ingest.validation.json_columns import SoundRows
from ingest.validation.row_checks import Field, Limits
from ingest.validation.validated_rows import split_rows

UNSET = msgspec.UNSET
_astuple = msgspec.structs.astuple

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

    def decode_array(self, array: bytes) -> SoundRows | None:
        """Return all rows of a JSON array if each of them is flawless, else None."""
        if self._rows is None or has_suspect_escape(array):
            return None
        try:
            rows = self._look_at(self._rows.decode(array))
        except (msgspec.DecodeError, RecursionError):
            return None
        return rows if self._has_small_rows(array) and rows.are_sound(array) else None

    def decode_texts(self, texts: Sequence[bytes]) -> tuple[Sequence[int], SoundRows]:
        """Return the places of the JSON texts that are flawless rows, in order, and these rows."""
        places, decoded = self._decode_rows(texts)
        rows = self._look_at(decoded)
        text = b"\n".join(map(texts.__getitem__, places))
        if not has_suspect_escape(text) and rows.are_sound(text):
            return places, rows
        # Some row among them is not what it seems: look at each alone.
        sound = [
            (place, row)
            for place, row in zip(places, decoded, strict=True)
            if self._is_sound(row, texts[place])
        ]
        return [place for place, _ in sound], self._look_at(row for _, row in sound)

    def _decode_rows(self, texts: Sequence[bytes]) -> tuple[Sequence[int], list[Any]]:
        """Return the places of the texts that can be decoded, and the rows they are."""
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

    def _is_sound(self, row: Any, text: bytes) -> bool:
        return not has_suspect_escape(text) and self._look_at([row]).are_sound(text)

    def _look_at(self, rows: Iterable[Any]) -> SoundRows:
        return SoundRows(self._fields, list(map(_astuple, rows)))

    def _has_small_rows(self, array: bytes) -> bool:
        limit = self._limits.max_row_bytes
        return len(array) <= limit or max(map(len, map(bytes, split_rows(array)))) <= limit


def _leave_out(places: Sequence[int], count: int) -> Sequence[int]:
    left = bytearray(b"\1") * count
    for place in places:
        left[place] = 0
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
