"""CSV bodies taken apart strictly, into records and their texts."""

import csv
import io
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ingest.catalog.column_names import NameMatcher
from ingest.catalog.definitions import Column
from ingest.errors import BadUtf8, BodyEmpty, CsvHeader, CsvSyntax
from ingest.payload.json_text import printable

# The csv module refuses long fields unless told otherwise; rows have a limit of their own.
csv.field_size_limit(sys.maxsize)

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class CsvRecords:
    """The records of a CSV body, each with its first line (from 1) and its text."""

    header: list[str] | None
    records: list[list[str]]
    lines: list[int]
    texts: list[str]


def read_csv(body: bytes, codec: str, *, has_header: bool) -> CsvRecords:
    """Take a CSV body (RFC 4180) apart; blank lines do not count.

    Raises `BadUtf8` where the bytes are not of the character set, and `CsvSyntax`, with the line,
    where a quote is out of place: what belongs to which row is not certain then.
    """
    try:
        text = body.decode(codec)
    except UnicodeDecodeError as error:
        raise BadUtf8(f"The body is not {codec} at byte {error.start}") from error
    text = text.removeprefix("\ufeff")
    if '"' in text or "\r" in text.replace("\r\n", ""):
        parsed = list(_parse_records(list(io.StringIO(text, newline=""))))
        lines, texts, records = map(list, zip(*parsed, strict=True)) if parsed else ([], [], [])
    else:
        # Without quotes, lines are records and commas divide them.
        texts = text.replace("\r\n", "\n").split("\n")
        lines = [number for number, line in enumerate(texts, 1) if line]
        texts = list(filter(None, texts))
        records = [line.split(",") for line in texts]
    if not records:
        raise BodyEmpty
    header = records.pop(0) if has_header else None
    first = 1 if has_header else 0
    return CsvRecords(header, records, lines[first:], texts[first:])


def _parse_records(source: list[str]) -> Iterator[tuple[int, str, list[str]]]:
    """Yield each record with its first line and its text."""
    reader = csv.reader(source, strict=True)
    first = 0
    try:
        for record in reader:
            if record:
                yield first + 1, "".join(source[first : reader.line_num]).rstrip("\r\n"), record
            first = reader.line_num
    except csv.Error as error:
        raise CsvSyntax(
            f"The body is not CSV from line {first + 1} on: {error}", line=first + 1
        ) from error


def read_record(text: str) -> list[str]:
    """Return the fields of one CSV record, as the body it came in was read."""
    return next(csv.reader(io.StringIO(text, newline=""), strict=True), [])


@dataclass(frozen=True, slots=True)
class PlainHeader:
    """The names in the first line of a UTF-8 body, if it has any, and where the records begin."""

    names: list[str] | None
    end: int


def read_plain_header(body: bytes, *, has_header: bool) -> PlainHeader | None:
    """Return a body's header without its records; None where only `read_csv` can tell it."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return None
    start = len(_BOM) if body.startswith(_BOM) else 0
    if not has_header:
        return PlainHeader(None, start)
    end = body.find(b"\n", start) + 1
    header = body[start:end].removesuffix(b"\n").removesuffix(b"\r")
    if not header or b'"' in header or b"\r" in header:  # which ends a line too
        return None
    return PlainHeader(header.decode().split(","), end)


def match_header(
    header: Sequence[str] | None, columns: Sequence[Column], *, drops_extra: bool = False
) -> list[str]:
    """Return the column of each name in a header, found without regard to case, spaces and `_`.

    Without a header the fields are all columns in order. Raises `CsvHeader` for a column named
    twice, and for a name that no column has: that is empty instead with `drops_extra`.
    """
    if header is None:
        return [column.name for column in columns]
    known = NameMatcher(column.name for column in columns)
    names: list[str] = []
    for given in header:
        found = known.find(given)
        if not found and drops_extra:
            names.append("")
            continue
        if len(found) != 1:
            problem = f"could be any of {', '.join(found)}" if found else "is not a column"
            raise CsvHeader(f"The header {printable(given.strip()[:100])!r} {problem}")
        if found[0] in names:
            raise CsvHeader(f"The header names the column {found[0]} twice")
        names.append(found[0])
    return names
