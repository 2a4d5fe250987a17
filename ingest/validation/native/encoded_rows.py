"""Rows that compiled code has encoded, in the binary format of COPY."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import compress
from operator import gt, not_
from typing import Any

from ingest.validation.copy_data import HEADER, TRAILER, CopyData, cut_evenly


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedBatch:
    """What compiled code made of a batch; sequences have an item for each of its rows."""

    columns: tuple[str, ...]  # that the tuples are written to
    tuples: bytes  # one after the other
    # Where each row's tuple ends: that of a row which was left has no bytes.
    tuple_ends: "memoryview[int]"
    is_whole: bool  # no row was left
    body: bytes = field(repr=False)
    starts: "memoryview[int]"  # where each row begins in the body
    ends: "memoryview[int]"
    # Return a column's values as JSON has them, None for what is missing or null and in rows that
    # were left: of the columns of foreign keys and those that constraints ask for.
    read_column: Callable[[str], Sequence[Any]] = field(compare=False)

    @property
    def received(self) -> int:
        """The number of rows."""
        return len(self.starts)

    def texts(self) -> list[bytes]:
        """Return the rows as they stand in the body."""
        body, starts, ends = self.body, self.starts.tolist(), self.ends.tolist()
        return [body[start:end] for start, end in zip(starts, ends, strict=True)]

    def divide(self) -> tuple[Sequence[int], Sequence[int]]:
        """Return the places of the rows that are encoded, and of those that were left."""
        if self.is_whole:
            return range(self.received), ()
        ends = [0, *self.tuple_ends.tolist()]
        places = range(self.received)
        is_encoded = list(map(gt, ends[1:], ends))
        return list(compress(places, is_encoded)), list(compress(places, map(not_, is_encoded)))


class EncodedRows:
    """Encoded rows of a batch, at some of its places."""

    def __init__(self, batch: EncodedBatch, places: Sequence[int]) -> None:
        self._batch = batch
        self._places = places

    def take(self, places: Iterable[int]) -> "EncodedRows":
        """Return some of the rows."""
        return EncodedRows(self._batch, list(map(self._places.__getitem__, places)))

    def copy_data(self, names: Sequence[str]) -> CopyData | None:
        """Return the rows as data for COPY, None where these are not the columns of the tuples."""
        return CopyData("binary", self._cut) if tuple(names) == self._batch.columns else None

    def column(self, name: str) -> Sequence[Any]:
        """Return a column's values as JSON has them, None for what is missing or null."""
        values = self._batch.read_column(name)
        is_whole = isinstance(self._places, range)
        return values if is_whole else [values[place] for place in self._places]

    def distinct(self, name: str) -> Collection[Any]:
        """Return the different values of a column, null aside."""
        return set(self.column(name)) - {None}

    def _cut(self, most: int) -> Sequence[bytes]:
        pieces = cut_evenly(len(self._places), most)
        return [
            b"".join([HEADER, *self._tuples(self._places[piece.start : piece.stop]), TRAILER])
            for piece in pieces
        ]

    def _tuples(self, places: Sequence[int]) -> Iterable[bytes]:
        tuples, ends = self._batch.tuples, self._batch.tuple_ends
        if isinstance(places, range):  # one after the other
            return [tuples[ends[places.start - 1] if places.start else 0 : ends[places.stop - 1]]]
        bounds = [0, *ends.tolist()]
        return [tuples[bounds[place] : bounds[place + 1]] for place in places]
