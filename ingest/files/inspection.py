"""What a file is: the value that is printed, answered and read by."""

from collections.abc import Sequence

import msgspec

from ingest.files.records import Dialect

_KEY_TYPES = frozenset({"integer", "bigint", "uuid", "text"})


class InspectedColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A column of a file: its name, its type, and how its values are written."""

    name: str
    type: str
    nullable: bool
    format: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    null_words: Sequence[str] = ()
    examples: Sequence[str] = ()
    evidence: str = ""
    alternatives: Sequence[str] = ()

    @property
    def is_object(self) -> bool:
        """Whether its values are objects or arrays."""
        return self.type == "jsonb"


class LineProblem(msgspec.Struct, frozen=True):
    """What is wrong with a line."""

    line: int
    code: str
    message: str


class Question(msgspec.Struct, frozen=True):
    """What the file does not tell, and what it may be."""

    about: str
    question: str
    alternatives: Sequence[str] = ()


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """What a file is and how it is to be read; preamble, header and footer count records."""

    file: str
    format: str
    compression: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    escape: str | None = None
    line_end: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    preamble_lines: int = 0
    header_lines: int = 0
    footer_lines: int = 0
    first_line: int = 1
    columns: Sequence[InspectedColumn] = ()
    records: str | None = None  # the names that lead to the rows of a JSON document
    key: Sequence[str] | None = None
    rows_estimate: int | None = None
    is_whole: bool = True  # whether all of the file was looked at
    problems: Sequence[LineProblem] = ()
    questions: Sequence[Question] = ()

    @property
    def dialect(self) -> Dialect:
        """How its records are written."""
        return Dialect(self.delimiter or ",", self.quote, self.escape)


def find_key(
    columns: Sequence[InspectedColumn], rows: Sequence[Sequence[str]]
) -> Sequence[str] | None:
    """Return the first column that has another value in each of several rows."""
    if len(rows) < 2:
        return None
    for column, values in zip(columns, zip(*rows, strict=True), strict=True):
        is_full = not column.nullable and column.type in _KEY_TYPES
        if is_full and len(set(values)) == len(values):
            return [column.name]
    return None
