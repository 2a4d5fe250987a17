"""A table's columns compiled into rules: which JSON rows may be stored.

Pure: nothing here knows a database. Rows stay JSON text. A batch without a flaw is recognised as a
whole and handed on as the bytes that were sent; only a row that the quick look does not vouch for
is examined value by value (`examination`), to list all its errors.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Literal

import msgspec

from ingest.catalog.definitions import Table
from ingest.errors import JsonSyntax, NoRows, TooDeep, TooManyRows
from ingest.outcome import OnConflict, Rejection
from ingest.payload.json_body import check_numbers
from ingest.payload.json_text import has_suspect_escape
from ingest.validation.column_checks import QuickLook
from ingest.validation.json_columns import SoundRows
from ingest.validation.row_checks import Examiner, Field, Limits
from ingest.validation.validated_rows import (
    ByColumn,
    Decoded,
    Rows,
    join_lines,
    join_rows,
    split_rows,
)
from ingest.validation.values.structures import split_array

_encode = msgspec.json.Encoder().encode

GroupBy = Literal["default", "optional"]

# Which of the columns that matter to the grouping a row brings.
Presence = tuple[bool, ...]


def group_by_for(on_conflict: OnConflict) -> GroupBy:
    """Return how rows are grouped: an update changes only the columns that a row brings."""
    return "optional" if on_conflict == "update" else "default"


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
        texts = dict(enumerate(map(bytes, split_rows(array))))
        presences = self._presences(sound, group_by)
        places = range(len(rows))
        groups = self.group(texts, dict(enumerate(presences)), group_by, places, sound)
        return Decoded(len(rows), groups, [])

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
        passed: dict[int, bytes] = {}
        presences = dict(zip(places, self._presences(sound, group_by), strict=True))
        rejections = []
        for index in sorted(set(range(len(texts))).difference(places)):
            text = texts[index]
            examined, errors = self.examiner.examine_text(text, is_line=lines is not None)
            if not errors:
                passed[index] = _encode(examined)
                presences[index] = self.presence_of(examined, group_by)
                continue
            line = lines[index] if lines is not None else None
            rejections.append(
                Rejection(
                    index=index, line=line, raw=text, format="json", errors=errors, sound=examined
                )
            )
        passed |= zip(places, map(texts.__getitem__, places), strict=True)
        return Decoded(
            len(texts),
            self.group(passed, presences, group_by, places, sound),
            rejections,
            raw_of=lambda index, _: texts[index],
            lines=lines,
        )

    def decode_lines(
        self, texts: Sequence[bytes], lines: Sequence[int], group_by: GroupBy = "default"
    ) -> Decoded:
        """Sort rows that are the lines of an NDJSON body; a broken line is that row's own fault."""
        self.check_count(len(texts))
        array = None if self._structured else join_lines(texts)
        if array is not None:
            # One array of them is quicker to decode.
            sound = self._quick.decode_array(array)
            if sound is not None and len(sound.rows) == len(texts):
                whole = self._keep_whole(sound, array, group_by)
                if whole is not None:
                    return Decoded(len(texts), [whole], [], lines=lines)
        check_numbers(b"\n".join(texts), self.limits.max_number_digits)
        return self.decode_each(texts, group_by, lines=lines)

    def _keep_whole(self, sound: SoundRows, array: bytes, group_by: GroupBy) -> Rows | None:
        """Return a batch as one group if all its rows bring the same columns, else None."""
        presences = set(self._presences(sound, group_by))
        if len(presences) > 1:
            return None
        columns = self._columns(presences.pop(), group_by)
        return Rows(columns, range(len(sound.rows)), lambda: array, sound)

    # Which columns a row brings.

    def _watched(self, group_by: GroupBy) -> list[Field]:
        return self._defaulted if group_by == "default" else self._optional

    def _presences(self, sound: SoundRows, group_by: GroupBy) -> Iterable[Presence]:
        return sound.presences(self._watched(group_by))

    def presence_of(self, row: Collection[str], group_by: GroupBy) -> Presence:
        """Return which of the watched columns are among the names."""
        return tuple(each.column.name in row for each in self._watched(group_by))

    def _columns(self, presence: Presence, group_by: GroupBy) -> tuple[str, ...]:
        watched = self._watched(group_by)
        absent = {
            each.column.name for each, present in zip(watched, presence, strict=True) if not present
        }
        return tuple(name for name in self.by_name if name not in absent)

    def group(
        self,
        texts: Mapping[int, bytes],
        presences: Mapping[int, Presence],
        group_by: GroupBy,
        sound_places: Sequence[int] = (),
        sound: ByColumn | None = None,
    ) -> list[Rows]:
        """Put rows that bring the same columns together: each group is written by one statement.

        `sound` are those of the rows, at `sound_places`, that were looked at by column.
        """
        indexes = sorted(texts)
        groups: dict[Presence, list[int]] = {}
        if len(set(presences.values())) == 1:
            presence = presences[indexes[0]]
            if sound is not None and len(sound_places) == len(texts):
                return [self._make_rows(presence, indexes, texts, group_by, sound)]
            groups[presence] = indexes
        else:
            for index in indexes:
                groups.setdefault(presences[index], []).append(index)
        positions = dict(zip(sound_places, range(len(sound_places)), strict=True))

        def look_at(indexes: Sequence[int]) -> ByColumn | None:
            if sound is None or not positions.keys() >= set(indexes):
                return None
            return sound.take(map(positions.__getitem__, indexes))

        return [
            self._make_rows(presence, indexes, texts, group_by, look_at(indexes))
            for presence, indexes in groups.items()
        ]

    def _make_rows(
        self,
        presence: Presence,
        indexes: Sequence[int],
        texts: Mapping[int, bytes],
        group_by: GroupBy,
        sound: ByColumn | None,
    ) -> Rows:
        own = list(map(texts.__getitem__, indexes))
        columns = self._columns(presence, group_by)
        return Rows(columns, indexes, partial(join_rows, own), sound, own)

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
            return [bytes(raw) for raw in split_rows(array)]
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
