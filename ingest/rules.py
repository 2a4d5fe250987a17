"""A table's columns compiled into rules: which JSON rows may be stored.

Pure: nothing here knows a database. Rows stay JSON text. A batch without a flaw is recognised as a
whole and handed on as the bytes that were sent; only a row that the quick look does not vouch for
is examined value by value (`examination`), to list all its errors.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Protocol

import msgspec

from ingest.catalog import Table
from ingest.copying import CopyData
from ingest.errors import JsonSyntax, NoRows, TooDeep, TooManyRows
from ingest.examination import Examiner, Field, Limits
from ingest.json_text import has_suspect_escape
from ingest.outcome import OnConflict, Rejection, RowError
from ingest.payload import check_numbers
from ingest.quick import QuickLook, raws
from ingest.sound_rows import SoundRows
from ingest.values.structures import split_array

UNSET = msgspec.UNSET
_encode = msgspec.json.Encoder().encode

GroupBy = Literal["default", "optional"]


def group_by_for(on_conflict: OnConflict) -> GroupBy:
    """Return how rows are grouped: an update changes only the columns that a row brings."""
    return "optional" if on_conflict == "update" else "default"


class ByColumn(Protocol):
    """Rows that were looked at column by column."""

    def take(self, places: Iterable[int]) -> "ByColumn":
        """Return some of the rows."""

    def copy_data(self, names: Sequence[str]) -> CopyData | None:
        """Return these columns as data for COPY, None where only SQL can read the values."""

    def column(self, name: str) -> Sequence[Any]:
        """Return a column's values as JSON has them, None for what is missing or null."""

    def values_of(self, name: str) -> set[str]:
        """Return the text of each value of a column that is neither null nor missing."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows that passed the rules: one JSON array, and the columns it is to be written to."""

    columns: tuple[str, ...]
    indexes: Sequence[int]  # the place of each row in the batch
    make_array: Callable[[], bytes]
    by_column: ByColumn | None = None  # the same rows, where they were looked at by column

    @property
    def array(self) -> bytes:
        """The rows as one JSON array."""
        return self.make_array()

    def split(self) -> dict[int, bytes]:
        """Return each row's JSON text under its place in the batch."""
        return dict(zip(self.indexes, map(bytes, raws.decode(self.array)), strict=True))

    def keep(self, texts: Mapping[int, bytes]) -> "Rows":
        """Return those of the rows whose JSON texts are given under their places in the batch."""
        places = [place for place, index in enumerate(self.indexes) if index in texts]
        if len(places) == len(self.indexes):
            return self
        indexes = [self.indexes[place] for place in places]
        return Rows(
            self.columns,
            indexes,
            lambda: join_rows(texts[index] for index in indexes),
            self.by_column.take(places) if self.by_column else None,
        )


@dataclass(frozen=True, slots=True)
class Decoded:
    """What the rules made of a batch."""

    received: int
    groups: list[Rows]
    rejections: list[Rejection]
    format: Literal["json", "csv"] = "json"
    # Returns a row as it was sent, given its place and its text in its group.
    raw_of: Callable[[int, bytes], bytes] = lambda _, text: text
    lines: Sequence[int] | None = None  # each row's line in a file, from 1
    fields: Sequence[str] | None = None  # the columns of CSV records, in order

    def reject(self, index: int, text: bytes, errors: list[RowError]) -> Rejection:
        """Return the rejection of a row that had passed the rules as `text`."""
        return Rejection(
            index=index,
            line=self.lines[index] if self.lines else None,
            raw=self.raw_of(index, text),
            format=self.format,
            errors=errors,
        )


class RowRules:
    """The rules of one table in one version of its definition."""

    def __init__(self, table: Table, limits: Limits) -> None:
        self.table = table
        self.limits = limits
        self.fields = [Field(column, place, limits) for place, column in enumerate(table.writable)]
        self.examiner = Examiner(table, self.fields, limits)
        self.by_name = {each.column.name: each for each in self.fields}
        self._optional = [each for each in self.fields if each.optional]
        self._defaulted = [each for each in self.fields if each.column.has_default]
        self._has_documents = any(each.adapter.verbatim for each in self.fields)
        self._structured = self._has_documents or any(
            each.column.kind in {"array", "composite"} for each in self.fields
        )
        self._quick = QuickLook(self.fields, limits)

    def decode(self, array: bytes, group_by: GroupBy = "default") -> Decoded:
        """Sort the rows of a JSON array into those that may be stored and those that may not.

        The array's text must be UTF-8. Raises `JsonSyntax`, `TooDeep`, `NoRows` or `TooManyRows`
        where the whole array is wrong, `NumberTooLong` where it holds an endless number.
        """
        sound = self._quick.decode_array(array)
        if sound is None or self._has_documents:
            check_numbers(array, self.limits.max_number_digits)
        if sound is None:
            return self.decode_each(self._split(array), group_by)
        rows = sound.rows
        self.check_count(len(rows))
        whole = self._keep_whole(sound, array, group_by)
        if whole is not None:
            return Decoded(len(rows), [whole], [])
        texts = list(map(bytes, raws.decode(array)))
        presences = [self._presence(row, group_by) for row in rows]
        passed = dict(enumerate(zip(texts, presences, strict=True)))
        return Decoded(len(rows), self.group(passed, group_by, range(len(rows)), sound), [])

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
        self.check_count(len(texts))
        places, sound = self._quick.decode_texts(texts)
        passed = {
            place: (texts[place], self._presence(row, group_by))
            for place, row in zip(places, sound.rows, strict=True)
        }
        rejections = []
        for index in sorted(set(range(len(texts))) - passed.keys()):
            text = texts[index]
            examined, errors = self.examiner.examine_text(text, is_line=lines is not None)
            if not errors:
                passed[index] = _encode(examined), self.presence_of(examined, group_by)
                continue
            line = lines[index] if lines is not None else None
            rejections.append(
                Rejection(
                    index=index, line=line, raw=text, format="json", errors=errors, sound=examined
                )
            )
        return Decoded(
            len(texts),
            self.group(passed, group_by, places, sound),
            rejections,
            raw_of=lambda index, _: texts[index],
            lines=lines,
        )

    def decode_lines(
        self, texts: Sequence[bytes], lines: Sequence[int], group_by: GroupBy = "default"
    ) -> Decoded:
        """Sort rows that are the lines of an NDJSON body; a broken line is that row's own fault."""
        self.check_count(len(texts))
        if not self._structured and all(text[:1] == b"{" and text[-1:] == b"}" for text in texts):
            # One array of them is quicker to decode. Where no column holds an array or object,
            # each line that is not one row of its own makes another number of rows, or no JSON:
            # the line feed keeps a string from going on in the next line.
            array = b"[" + b",\n".join(texts) + b"]"
            sound = self._quick.decode_array(array)
            if sound is not None and len(sound.rows) == len(texts):
                whole = self._keep_whole(sound, array, group_by)
                if whole is not None:
                    return Decoded(len(texts), [whole], [], lines=lines)
        check_numbers(b"\n".join(texts), self.limits.max_number_digits)
        return self.decode_each(texts, group_by, lines=lines)

    def _keep_whole(self, sound: SoundRows, array: bytes, group_by: GroupBy) -> Rows | None:
        """Return a batch as one group if all its rows bring the same columns, else None."""
        presence = self._presence_of_all(sound.rows, group_by)
        if presence is None:
            return None
        columns = self._columns(presence, group_by)
        return Rows(columns, range(len(sound.rows)), lambda: array, sound)

    # Which columns a row brings.

    def _watched(self, group_by: GroupBy) -> list[Field]:
        return self._defaulted if group_by == "default" else self._optional

    def _presence(self, row: Any, group_by: GroupBy) -> tuple[bool, ...]:
        watched = self._watched(group_by)
        return tuple(each.pick(row) is not UNSET for each in watched) if watched else ()

    def presence_of(self, row: Collection[str], group_by: GroupBy) -> tuple[bool, ...]:
        """Return which of the watched columns are among the names."""
        return tuple(each.column.name in row for each in self._watched(group_by))

    def _presence_of_all(self, rows: list[Any], group_by: GroupBy) -> tuple[bool, ...] | None:
        """Return which watched columns the rows bring if all bring the same, else None."""
        common = self._presence(rows[0], group_by)
        for each, present in zip(self._watched(group_by), common, strict=True):
            if any((value is not UNSET) != present for value in map(each.pick, rows)):
                return None
        return common

    def _columns(self, presence: tuple[bool, ...], group_by: GroupBy) -> tuple[str, ...]:
        watched = self._watched(group_by)
        absent = {
            each.column.name for each, present in zip(watched, presence, strict=True) if not present
        }
        return tuple(name for name in self.by_name if name not in absent)

    def group(
        self,
        passed: Mapping[int, tuple[bytes, tuple[bool, ...]]],
        group_by: GroupBy,
        sound_places: Sequence[int] = (),
        sound: ByColumn | None = None,
    ) -> list[Rows]:
        """Put rows that bring the same columns together: each group is written by one statement.

        `sound` are those of the rows, at `sound_places`, that were looked at by column.
        """
        groups: dict[tuple[bool, ...], list[int]] = {}
        for index in sorted(passed):
            groups.setdefault(passed[index][1], []).append(index)
        positions = {index: position for position, index in enumerate(sound_places)}

        def find_columns(indexes: Sequence[int]) -> ByColumn | None:
            if sound is None or not positions.keys() >= set(indexes):
                return None
            if len(indexes) == len(positions):
                return sound
            return sound.take(map(positions.__getitem__, indexes))

        return [
            Rows(
                self._columns(presence, group_by),
                indexes,
                partial(join_rows, [passed[index][0] for index in indexes]),
                find_columns(indexes),
            )
            for presence, indexes in groups.items()
        ]

    def columns_of(self, names: Collection[str], group_by: GroupBy) -> tuple[str, ...]:
        """Return the columns that rows bringing these names are written to."""
        return self._columns(self.presence_of(names, group_by), group_by)

    def requires_only(self, names: Collection[str]) -> bool:
        """Return whether the names include every required column."""
        return all(each.optional or each.column.name in names for each in self.fields)

    def check_count(self, count: int) -> None:
        """Raise `NoRows` or `TooManyRows` where that is what a batch has."""
        if count == 0:
            raise NoRows
        if count > self.limits.max_rows:
            raise TooManyRows(
                f"{count} rows where {self.limits.max_rows} are taken at once",
                max_rows=self.limits.max_rows,
            )

    def _split(self, array: bytes) -> list[bytes]:
        try:
            return [bytes(raw) for raw in raws.decode(array)]
        except RecursionError as error:
            raise TooDeep from error
        except msgspec.DecodeError as error:
            if not has_suspect_escape(array):
                raise JsonSyntax(f"The body is not JSON: {error}") from error
        # msgspec refuses half a surrogate pair, which concerns the row that holds it only.
        try:
            return [text.encode() for text in split_array(array.decode().lstrip())]
        except RecursionError as error:
            raise TooDeep from error
        except ValueError as error:
            raise JsonSyntax(f"The body is not JSON: {error}") from error


def join_rows(texts: Iterable[bytes]) -> bytes:
    """Return the JSON array of rows given as JSON texts."""
    return b"[" + b",".join(texts) + b"]"
