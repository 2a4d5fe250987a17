"""Rows as the data of COPY … FROM STDIN, in its binary or its CSV format.

Compiled code makes the binary one (`compiled`). Without it a flawless batch is hardly touched: the
values of JSON rows are CSV fields once the brackets around each row are gone, and a CSV body is CSV
already.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ingest.json_text import has_other_escapes

# How the values of a column are written: as the scalars they are, or as the text of a document.
CopiedAs = Literal["scalar", "document"]

# What the fields are: JSON scalars, where a bare `null` is null and a backslash escapes a quote,
# CSV as in RFC 4180, where an empty field is null, or the binary form of each type.
Dialect = Literal["json", "csv", "binary"]


@dataclass(frozen=True, slots=True)
class CopyData:
    """Rows as COPY reads them, and the dialect of their fields."""

    data: bytes
    dialect: Dialect


@dataclass(frozen=True, slots=True)
class EncodedRows:
    """A flawless batch, ready for COPY."""

    columns: tuple[str, ...]
    count: int
    data: CopyData
    # The text of each value that occurs in the columns of foreign keys, null aside.
    values: Mapping[str, set[str]]


def json_lines_as_csv(lines: bytes) -> CopyData | None:
    """Return rows given as one JSON array of scalars a line, None where COPY cannot read them.

    Inside a string COPY knows the escapes of the quote and of the backslash, no others.
    """
    if has_other_escapes(lines):
        return None
    count = lines.count(b"\n")
    if lines.count(b"[") == lines.count(b"]") == count:
        return CopyData(lines.translate(None, b"[]"), "json")
    # Some string holds brackets. None holds a line feed.
    return CopyData(lines[1:-2].replace(b"]\n[", b"\n") + b"\n", "json")
