"""Columns of text as the data of COPY … FROM STDIN in its text format."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from msgspec import UNSET

# What a column's values are before they are copied: strings, values that `str` writes as
# PostgreSQL reads them, or JSON texts of numbers (maybe in quotes) and of whole documents.
CopiedAs = Literal["text", "value", "number", "document"]

NULL = "\\N"


def to_copy_fields(
    copied_as: CopiedAs | None, column: Sequence[Any], may_be_absent: bool
) -> Iterable[str] | None:
    """Return the COPY field of each value, None where COPY cannot take the column.

    The values hold no backslash; None and UNSET become null.
    """
    if copied_as is None:
        return None
    if may_be_absent:
        column = [NULL if value is None or value is UNSET else value for value in column]
    if copied_as == "value":
        return map(str, column)
    if copied_as == "text":
        return column
    joined = "\n".join(column)
    if copied_as == "document":
        # White space between the tokens of a document would end the field or the line.
        has_breaks = joined.count("\n") >= len(column) or "\t" in joined or "\r" in joined
        return None if has_breaks else column
    return joined.replace('"', "").split("\n") if '"' in joined else column


def join_copy(columns: Sequence[Iterable[str]]) -> str | None:
    """Return COPY data made of one iterable of fields for each column."""
    if not columns:
        return None
    return "\n".join(map("\t".join, zip(*columns, strict=True))) + "\n"
