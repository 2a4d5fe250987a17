"""Rows as the data of COPY … FROM STDIN, in its binary or its CSV format.

Compiled code makes the binary one (`native`). Without it a good batch is hardly touched: the values
of JSON rows are CSV fields once the brackets around each row are gone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Literal

from ingest.payload.json_text import has_other_escapes

# How the values of a column are written: as the scalars they are, or as the text of a document.
CopiedAs = Literal["scalar", "document"]

# What the fields are: JSON scalars, where a bare `null` is null and a backslash escapes a quote, or
# the binary form of each type.
Dialect = Literal["json", "binary"]

# What the tuples of the binary format stand between.
HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"


@dataclass(frozen=True, slots=True)
class CopyData:
    """Rows as COPY reads them.

    `cut` returns them in pieces of equal numbers of rows, not more than a given number in each.
    """

    dialect: Dialect
    cut: Callable[[int], Sequence[bytes]]


def cut_evenly(count: int, most: int) -> list[range]:
    """Return ranges of nearly the same size that make up `range(count)`, none above `most`."""
    pieces = -(-count // most)
    bounds = [count * piece // pieces for piece in range(pieces + 1)]
    return [range(start, stop) for start, stop in pairwise(bounds)]


def json_lines_as_csv(lines: bytes) -> CopyData | None:
    """Return rows given as one JSON array of scalars a line, None where COPY cannot read them.

    Inside a string COPY knows the escapes of the quote and of the backslash, no others.
    """
    if has_other_escapes(lines):
        return None
    count = lines.count(b"\n")
    if lines.count(b"[") == lines.count(b"]") == count:
        return CopyData("json", partial(_cut_lines, lines.translate(None, b"[]")))
    # Some string holds brackets. None holds a line feed.
    return CopyData("json", partial(_cut_lines, lines[1:-2].replace(b"]\n[", b"\n") + b"\n"))


def _cut_lines(lines: bytes, most: int) -> Sequence[bytes]:
    count = lines.count(b"\n")
    if count <= most:
        return [lines]
    texts = lines.splitlines(keepends=True)
    return [b"".join(texts[rows.start : rows.stop]) for rows in cut_evenly(count, most)]
