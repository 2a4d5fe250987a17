"""Rows as they stand in a file, byte for byte, and how they are cut into batches."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from project.base.errors import RowhouseError

# The longest row that is read: the default of `ingest.max_bytes`. It bounds the loader's memory
# where a quote or a bracket is never closed.
LONGEST_ROW_BYTES = 16 * 1024 * 1024


class FileMalformed(RowhouseError):
    """The file cannot be read on; the rows before the damage have been given out."""

    code = "file_malformed"


class Unreadable(RowhouseError):
    """The bytes of a file cannot be decompressed or decoded."""

    code = "file_unreadable"


def refuse_long_row(rest: bytes, where: str, **place: int) -> None:
    """Raise `FileMalformed` for a row that is longer than any the service takes."""
    if len(rest) > LONGEST_ROW_BYTES:
        size = f"{LONGEST_ROW_BYTES // 1024 // 1024} MiB"
        raise FileMalformed(f"{where}: the row that begins here has no end in {size}", **place)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows in file order: their text, and the line (from 1) or index (from 0) each begins at."""

    texts: list[bytes]
    places: Sequence[int]


def cut_rows(chunks: Iterable[Rows], *, max_rows: int, max_bytes: int) -> Iterator[Rows]:
    """Yield the rows in batches of at most so many rows and bytes (one row may be longer).

    Where the chunks end in `FileMalformed`, the rows before the damage are still yielded.
    """
    texts: list[bytes] = []
    places: list[int] = []
    try:
        for chunk in chunks:
            texts += chunk.texts
            places += chunk.places
            start = 0
            while end := _end_of_batch(texts, start, max_rows, max_bytes):
                yield Rows(texts[start:end], places[start:end])
                start = end
            del texts[:start], places[:start]
    except FileMalformed:
        if texts:
            yield Rows(texts, places)
        raise
    if texts:
        yield Rows(texts, places)


def _end_of_batch(texts: list[bytes], start: int, max_rows: int, max_bytes: int) -> int | None:
    lengths = list(map(len, texts[start : start + max_rows]))
    if sum(lengths) <= max_bytes:
        return start + max_rows if len(lengths) == max_rows else None
    total = 0
    for count, length in enumerate(lengths):
        total += length
        if total > max_bytes:
            return start + max(count, 1)
    return None
