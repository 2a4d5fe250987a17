"""Rows as the data of COPY … FROM STDIN in its CSV format.

A flawless batch is hardly touched: the values of JSON rows are CSV fields once the brackets around
each row are gone, and a CSV body is CSV already.
"""

from dataclasses import dataclass
from typing import Literal

from ingest.json_text import has_other_escapes

# How the values of a column are written: as the scalars they are, or as the text of a document.
CopiedAs = Literal["scalar", "document"]

# What the fields are: JSON scalars, where a bare `null` is null and a backslash escapes a quote,
# or CSV as in RFC 4180, where an empty field is null.
Dialect = Literal["json", "csv"]


@dataclass(frozen=True, slots=True)
class CopyData:
    """Rows in COPY's CSV format, and the dialect of their fields."""

    data: bytes
    dialect: Dialect


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
