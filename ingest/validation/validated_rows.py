"""What the rules make of a batch: groups of rows that may be stored, and rejections."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any, Literal, Protocol

import msgspec

from ingest.outcome import Rejection, RowError
from ingest.validation.copy_data import CopyData

split_rows = msgspec.json.Decoder(list[msgspec.Raw]).decode


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
    texts: Sequence[bytes] | None = None  # the JSON text of each, where they come one by one

    @property
    def array(self) -> bytes:
        """The rows as one JSON array."""
        return self.make_array()

    def split(self) -> dict[int, bytes]:
        """Return each row's JSON text under its place in the batch."""
        texts = self.texts or map(bytes, split_rows(self.array))
        return dict(zip(self.indexes, texts, strict=True))

    def keep(self, texts: Mapping[int, bytes]) -> "Rows":
        """Return those of the rows whose JSON texts are given under their places in the batch."""
        kept = [index in texts for index in self.indexes]
        if all(kept):
            return self
        indexes = list(compress(self.indexes, kept))
        places = compress(range(len(kept)), kept)
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


def join_lines(texts: Sequence[bytes]) -> bytes | None:
    """Return lines that look like objects as one JSON array, else None.

    Where no value is an array or object, each line that is not one row of its own makes another
    number of rows, or no JSON: the line feed keeps a string from going on in the next line.
    """
    if not all(text[:1] == b"{" and text[-1:] == b"}" for text in texts):
        return None
    return b"[" + b",\n".join(texts) + b"]"


def join_rows(texts: Iterable[bytes]) -> bytes:
    """Return the JSON array of rows given as JSON texts."""
    return b"[" + b",".join(texts) + b"]"
