"""A table's columns compiled into rules: which JSON rows may be stored.

Pure: nothing here knows a database. Rows stay JSON text. A batch without a flaw is recognised as a
whole and handed on as the bytes that were sent; only a row that the quick look does not vouch for
is examined value by value (`examination`), to list all its errors.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from ingest.catalog import Table
from ingest.errors import JsonSyntax, NoRows, TooDeep, TooManyRows
from ingest.examination import Examiner, Field, Limits
from ingest.outcome import OnConflict, Rejection, RowError

UNSET = msgspec.UNSET
_raws = msgspec.json.Decoder(list[msgspec.Raw])
_encode = msgspec.json.Encoder().encode

# Escapes that stand for what PostgreSQL cannot store, or that msgspec refuses as a syntax error.
_SUSPECT_ESCAPES = (b"\\u0000", b"\\ud", b"\\uD")

GroupBy = Literal["default", "optional"]


def group_by_for(on_conflict: OnConflict) -> GroupBy:
    """Return how rows are grouped: an update changes only the columns that a row brings."""
    return "optional" if on_conflict == "update" else "default"


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows that passed the rules: one JSON array, and the columns it is to be written to."""

    columns: tuple[str, ...]
    indexes: Sequence[int]  # the place of each row in the batch
    array: bytes

    def split(self) -> dict[int, bytes]:
        """Return each row's JSON text under its place in the batch."""
        return dict(zip(self.indexes, map(bytes, _raws.decode(self.array)), strict=True))


@dataclass(frozen=True, slots=True)
class Decoded:
    """What the rules made of a batch."""

    received: int
    groups: list[Rows]
    rejections: list[Rejection]
    format: Literal["json", "csv"] = "json"
    # Each row as it was sent where that is not the text in its group; its line in a file.
    raws: Mapping[int, bytes] = field(default_factory=dict)
    lines: Sequence[int] | None = None

    def reject(self, index: int, text: bytes, errors: list[RowError]) -> Rejection:
        """Return the rejection of a row that had passed the rules as `text`."""
        return Rejection(
            index=index,
            line=self.lines[index] if self.lines else None,
            raw=self.raws.get(index, text),
            format=self.format,
            errors=errors,
        )


class RowRules:
    """The rules of one table in one version of its definition."""

    def __init__(self, table: Table, limits: Limits) -> None:
        self.table = table
        self.limits = limits
        self.fields = [Field(column, place, limits) for place, column in enumerate(table.writable)]
        self._examiner = Examiner(table, self.fields, limits)
        self._by_name = {each.column.name: each for each in self.fields}
        self._optional = [each for each in self.fields if each.optional]
        self._defaulted = [each for each in self.fields if each.column.has_default]
        self._raw = [each for each in self.fields if each.adapter.annotation is msgspec.Raw]
        self._traps = {each.adapter.trap for each in self.fields if each.adapter.trap}
        row_type = self._row_type()
        self._row: msgspec.json.Decoder[Any] | None = (
            msgspec.json.Decoder(row_type) if row_type else None
        )
        self._rows = msgspec.json.Decoder(list[row_type]) if row_type else None  # type: ignore[valid-type]

    def decode(self, array: bytes, group_by: GroupBy = "default") -> Decoded:
        """Sort the rows of a JSON array into those that may be stored and those that may not.

        The array's text must be UTF-8. Raises `JsonSyntax`, `TooDeep`, `NoRows` or `TooManyRows`
        where the whole array is wrong.
        """
        rows = self._decode_flawless(array)
        if rows is None:
            return self.decode_each(self._split(array), group_by)
        self._check_count(len(rows))
        presence = self._presence_of_all(rows, group_by)
        if presence is not None:
            whole = Rows(self._columns(presence, group_by), range(len(rows)), array)
            return Decoded(len(rows), [whole], [])
        texts = [bytes(raw) for raw in _raws.decode(array)]
        passed = {
            index: (text, self._presence(row, group_by))
            for index, (text, row) in enumerate(zip(texts, rows, strict=True))
        }
        return Decoded(len(rows), self._group(passed, group_by), [])

    def decode_each(
        self,
        texts: Sequence[bytes],
        group_by: GroupBy = "default",
        *,
        lines: Sequence[int] | None = None,
    ) -> Decoded:
        """Sort rows given one JSON text each; `lines` are their places in a file, if known.

        A text that is not JSON raises `JsonSyntax` unless lines are given: then the extent of the
        row is certain, and it alone is rejected.
        """
        self._check_count(len(texts))
        passed: dict[int, tuple[bytes, tuple[bool, ...]]] = {}
        raws: dict[int, bytes] = {}
        rejections = []
        for index, text in enumerate(texts):
            row = self._decode_clean(text)
            if row is not None:
                passed[index] = text, self._presence(row, group_by)
                continue
            examined, errors = self._examiner.examine_text(text, is_line=lines is not None)
            if not errors:
                passed[index] = _encode(examined), self._presence_of_keys(examined, group_by)
                raws[index] = text
                continue
            line = lines[index] if lines is not None else None
            rejections.append(
                Rejection(
                    index=index, line=line, raw=text, format="json", errors=errors, sound=examined
                )
            )
        return Decoded(
            len(texts), self._group(passed, group_by), rejections, raws=raws, lines=lines
        )

    # The quick look: whole batches and single rows.

    def _row_type(self) -> type | None:
        if any(set(each.column.name) & _UNNAMEABLE for each in self.fields):
            return None
        return msgspec.defstruct(
            "Row",
            [self._row_field(each) for each in self.fields],
            rename={each.attribute: each.column.name for each in self.fields},
            forbid_unknown_fields=True,
            kw_only=True,
            gc=False,
        )

    def _row_field(self, each: Field) -> tuple[str, Any] | tuple[str, Any, Any]:
        annotation = each.adapter.annotation
        if annotation is not msgspec.Raw and not each.column.not_null:
            annotation = annotation | None
        if each.optional:
            return each.attribute, annotation | msgspec.UnsetType, UNSET
        return each.attribute, annotation

    def _decode_flawless(self, array: bytes) -> list[Any] | None:
        """Return the rows if each of them may be stored as it was sent, else None."""
        if self._rows is None or self._is_suspect(array):
            return None
        try:
            rows = self._rows.decode(array)
        except (msgspec.DecodeError, RecursionError):
            return None
        return rows if self._has_small_rows(array) and self._are_sound(rows, array) else None

    def _has_small_rows(self, array: bytes) -> bool:
        limit = self.limits.max_row_bytes
        return len(array) <= limit or max(map(len, map(bytes, _raws.decode(array)))) <= limit

    def _decode_clean(self, text: bytes) -> Any | None:
        """Return a single row if it may be stored as it was sent, else None."""
        if self._row is None or len(text) > self.limits.max_row_bytes or self._is_suspect(text):
            return None
        try:
            row = self._row.decode(text)
        except (msgspec.DecodeError, RecursionError):
            return None
        return row if self._are_sound([row], text) else None

    def _is_suspect(self, text: bytes) -> bool:
        return (b"\\u" in text and any(escape in text for escape in _SUSPECT_ESCAPES)) or any(
            trap.search(text) for trap in self._traps
        )

    def _are_sound(self, rows: list[Any], text: bytes) -> bool:
        inner_separators = 0
        for each in self._raw:
            raws = [raw for raw in map(each.read, rows) if raw is not UNSET]
            if not each.column.not_null:
                raws = [raw for raw in raws if bytes(raw) != b"null"]
            elif any(bytes(raw) == b"null" for raw in raws):
                return False
            if not each.adapter.screen_raw(raws):
                return False
            if each.adapter.verbatim:
                inner_separators += _count_separators(b"\n".join(raws))
        # Decoding keeps the last of two equal keys. A row's keys are all known columns, so a key
        # stands twice only where there are more separators than values.
        unset = sum(value is UNSET for each in self._optional for value in map(each.read, rows))
        keys = len(rows) * len(self.fields) - unset
        return _count_separators(text) - inner_separators == keys

    # Which columns a row brings.

    def _watched(self, group_by: GroupBy) -> list[Field]:
        return self._defaulted if group_by == "default" else self._optional

    def _presence(self, row: Any, group_by: GroupBy) -> tuple[bool, ...]:
        return tuple(each.read(row) is not UNSET for each in self._watched(group_by))

    def _presence_of_keys(self, row: dict[str, Any], group_by: GroupBy) -> tuple[bool, ...]:
        return tuple(each.column.name in row for each in self._watched(group_by))

    def _presence_of_all(self, rows: list[Any], group_by: GroupBy) -> tuple[bool, ...] | None:
        """Return which watched columns the rows bring if all bring the same, else None."""
        common = self._presence(rows[0], group_by)
        for each, present in zip(self._watched(group_by), common, strict=True):
            if any((value is not UNSET) != present for value in map(each.read, rows)):
                return None
        return common

    def _columns(self, presence: tuple[bool, ...], group_by: GroupBy) -> tuple[str, ...]:
        watched = self._watched(group_by)
        absent = {
            each.column.name for each, present in zip(watched, presence, strict=True) if not present
        }
        return tuple(name for name in self._by_name if name not in absent)

    def _group(
        self, passed: dict[int, tuple[bytes, tuple[bool, ...]]], group_by: GroupBy
    ) -> list[Rows]:
        """Put rows that bring the same columns together: each group is written by one statement."""
        groups: dict[tuple[bool, ...], list[int]] = {}
        for index, (_, presence) in passed.items():
            groups.setdefault(presence, []).append(index)
        return [
            Rows(
                self._columns(presence, group_by), indexes, join_rows(passed[i][0] for i in indexes)
            )
            for presence, indexes in groups.items()
        ]

    def _split(self, array: bytes) -> list[bytes]:
        try:
            return [bytes(raw) for raw in _raws.decode(array)]
        except RecursionError as error:
            raise TooDeep from error
        except msgspec.DecodeError as error:
            raise JsonSyntax(f"The body is not JSON: {error}") from error

    def _check_count(self, count: int) -> None:
        if count == 0:
            raise NoRows
        if count > self.limits.max_rows:
            raise TooManyRows(
                f"{count} rows where {self.limits.max_rows} are taken at once",
                max_rows=self.limits.max_rows,
            )


_UNNAMEABLE = frozenset('"\\') | {chr(code) for code in range(32)}


def join_rows(texts: Iterable[bytes]) -> bytes:
    """Return the JSON array of rows given as JSON texts."""
    return b"[" + b",".join(texts) + b"]"


def _count_separators(text: bytes) -> int:
    """Return at least the number of keys in a JSON text, and exactly that in almost every one.

    A key is followed by its quote and a colon, maybe with white space between. The same bytes
    inside a string are counted too, which only sends the row to the slow look.
    """
    return (
        text.count(b'":')
        + text.count(b" :")
        + text.count(b"\n:")
        + text.count(b"\t:")
        + text.count(b"\r:")
    )
