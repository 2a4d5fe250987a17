"""What validation makes of a batch: groups of rows that may be stored, and rejections."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Any, Literal, Protocol

import msgspec

from ingest.outcome import SHOWN_CHARACTERS, Rejection, RowError
from ingest.payload.json_text import join_rows, printable
from ingest.validation.copy_data import CopyData
from ingest.validation.row_texts import RowTexts

_encode = msgspec.json.Encoder().encode
_read_values = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

# How the rows of a batch were validated: the most thorough way that one of them took.
Validated = Literal["native", "column", "row"]


class RowValues(Protocol):
    """The values of good rows, whichever code has validated them."""

    def take(self, positions: Iterable[int]) -> "RowValues":
        """Return some of the rows."""

    def copy_data(self, names: Sequence[str]) -> CopyData | None:
        """Return these columns as data for COPY, None where only SQL can read the values."""

    def column(self, name: str) -> Sequence[Any]:
        """Return a column's values as JSON has them, None for what is missing or null."""

    def distinct(self, name: str) -> Collection[Any]:
        """Return the different values of a column, null aside."""


@dataclass(frozen=True, slots=True)
class ValidatedRows:
    """Good rows of a batch that are written to the same columns."""

    columns: tuple[str, ...]
    places: Sequence[int]  # of the rows in the batch
    values: RowValues

    def keep(self, places: Collection[int]) -> "ValidatedRows":
        """Return those of the rows whose places are given."""
        kept = [place in places for place in self.places]
        if all(kept):
            return self
        positions = compress(range(len(kept)), kept)
        chosen = list(compress(self.places, kept))
        return ValidatedRows(self.columns, chosen, self.values.take(positions))

    def divide(self) -> Iterator["ValidatedRows"]:
        """Yield each of the rows by itself."""
        for position, place in enumerate(self.places):
            yield ValidatedRows(self.columns, [place], self.values.take([position]))


@dataclass(frozen=True, slots=True)
class ValidatedBatch:
    """A batch after validation."""

    texts: RowTexts
    received: int
    groups: list[ValidatedRows]
    rejections: list[Rejection]
    validated: Validated
    # The values of good rows that were checked by themselves, in the form in which they are stored.
    canonical: Mapping[int, dict[str, Any]] = field(default_factory=dict)
    # In how many rows each column stood that was left out.
    extra: dict[str, int] = field(default_factory=dict)

    def array(self, places: Sequence[int]) -> bytes:
        """Return the good rows at these places as one JSON array."""
        is_whole = isinstance(places, range) and len(places) == self.received
        if is_whole and self.texts.array is not None and not self.canonical:
            return self.texts.array
        rows = self.texts.select(places)
        if self.canonical:
            for position, place in enumerate(places):
                if place in self.canonical:
                    rows[position] = _encode(self.canonical[place])
        return join_rows(rows)

    def keep(self, places: Collection[int]) -> list[ValidatedRows]:
        """Return the groups of those of the good rows whose places are given."""
        kept = [rows.keep(places) for rows in self.groups]
        return [rows for rows in kept if rows.places]

    def show_values(self, rejections: Iterable[Rejection]) -> None:
        """Add the values that break constraints to the errors of rejections.

        One column's is its value, several columns' are an object.
        """
        for rejection in rejections:
            for error in rejection.errors:
                if error.constraint:
                    self._show_values(rejection)
                    break

    def _show_values(self, rejection: Rejection) -> None:
        try:
            values = _read_values(self.texts.select((rejection.index,))[0])
        except (msgspec.DecodeError, RecursionError):
            return
        rejection.errors = [_with_value(error, values) for error in rejection.errors]

    def reject(self, place: int, errors: list[RowError]) -> Rejection:
        """Return the rejection of a row that had passed validation."""
        return self.texts.reject(place, errors)


def _with_value(error: RowError, values: Mapping[str, msgspec.Raw]) -> RowError:
    names = error.concerns
    if not error.constraint or not names or not values.keys() >= set(names):
        return error
    if len(names) == 1:
        return msgspec.structs.replace(error, value=_shorten(values[names[0]]))
    shown = {name: _shorten(values[name]) for name in names}
    return msgspec.structs.replace(error, value=msgspec.Raw(_encode(shown)))


def _shorten(value: msgspec.Raw) -> msgspec.Raw:
    text = bytes(value)
    if len(text) <= SHOWN_CHARACTERS:
        return msgspec.Raw(text)
    return msgspec.Raw(_encode(printable(text.decode(errors="replace")[:SHOWN_CHARACTERS])))
