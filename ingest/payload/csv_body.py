"""CSV bodies taken apart strictly, into records and their texts.

The csv module cannot tell `""`, the empty string, from nothing, a missing value: fields are told
apart by regular expressions.
"""

import re
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice

from msgspec import UNSET, UnsetType

from ingest.errors import BadUtf8, BodyEmpty, CsvSyntax

_BOM = b"\xef\xbb\xbf"

# A field as it stands in a record: in quotes, or without one at its start.
_FIELD = r'(?:"(?:[^"]++|"")*+"|(?!")[^,\r\n]*+)'
_field = re.compile(f"({_FIELD}),")
_record = re.compile(rf"({_FIELD}(?:,{_FIELD})*+)(\r\n?|\n|\Z)")
_fields = re.compile(rf"(?:{_FIELD},)*+")
_one_field = re.compile(_FIELD)
_blank_lines = re.compile(r"[\r\n]++")

# Of a header: several times the columns that a table of PostgreSQL can have.
MAX_NAMES = 10_000

# What other files have in place of commas.
DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}

# The value of a field: null for one of the words that say so, `UNSET` for nothing.
FieldValue = str | None | UnsetType


@dataclass(frozen=True, slots=True)
class CsvRecords:
    """The records of a CSV body, each with its first line (from 1) and its text."""

    header: list[str] | None
    records: list[list[FieldValue]]
    lines: list[int]
    texts: list[str]


def read_csv(
    body: bytes,
    codec: str,
    *,
    has_header: bool,
    nulls: Collection[str] = (),
    most: int | None = None,
    max_record_bytes: int = sys.maxsize,
) -> CsvRecords:
    """Take a CSV body (RFC 4180) apart; blank lines do not count.

    `nulls` are the words that mean null where they stand without quotes. Of more than `most`
    records, one more than that is returned; one that is longer than `max_record_bytes` has no
    fields. Raises `BadUtf8` where the bytes are not of the character set, and `CsvSyntax`, with the
    line, where a quote is out of place: what belongs to which row is not certain then.
    """
    try:
        text = body.decode(codec)
    except UnicodeDecodeError as error:
        raise BadUtf8(f"The body is not {codec} at byte {error.start}") from error
    split = _split_records(text.removeprefix("\ufeff"))
    numbered = list(split if most is None else islice(split, most + 1 + has_header))
    if not numbered:
        raise BodyEmpty
    header = _split_header(numbered.pop(0)[1]) if has_header else None
    return CsvRecords(
        None if header is None else list(map(_read_name, header)),
        [
            read_record(record, nulls) if len(record) <= max_record_bytes else []
            for _, record in numbered
        ],
        [number for number, _ in numbered],
        [record for _, record in numbered],
    )


def _split_records(text: str) -> Iterator[tuple[int, str]]:
    """Yield each record with its first line."""
    at, line = 0, 1
    while at < len(text):
        if blank := _blank_lines.match(text, at):
            line += _count_lines(blank[0])
            at = blank.end()
            continue
        found = _record.match(text, at)
        if found is None:
            problem = _describe_quote(text, at)
            message = f"The body is not CSV from line {line} on: {problem}"
            raise CsvSyntax(message, line=line)
        record = found[1]
        yield line, record
        at = found.end()
        line += 1 + (_count_lines(record) if '"' in record else 0)


def _count_lines(text: str) -> int:
    """Return how many lines end in a text."""
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def _describe_quote(text: str, at: int) -> str:
    """Return what is wrong with the first quote of a record that is no record."""
    whole = _fields.match(text, at)
    closed = _one_field.match(text, whole.end() if whole else at)
    if not closed:
        return "a quote is never closed"
    plural = DELIMITERS.get(text[closed.end()])
    cause = f"; are the fields divided by {plural}? A CSV body has commas" if plural else ""
    return f"there is text after a closing quote{cause}"


def _split_header(line: str) -> list[str]:
    """Return the names in a header, no more than one beyond `MAX_NAMES`."""
    if '"' not in line:
        return line.split(",", MAX_NAMES)
    return [found[1] for found in islice(_field.finditer(f"{line},"), MAX_NAMES + 1)]


def split_fields(record: str) -> list[str]:
    """Return the fields of one CSV record as they stand in it, with their quotes."""
    return _field.findall(f"{record},") if '"' in record else record.split(",")


def read_record(record: str, nulls: Collection[str] = ()) -> list[FieldValue]:
    """Return the values of one CSV record."""
    if '"' not in record and not nulls:
        return [field or UNSET for field in record.split(",")]
    return [_read_field(field, nulls) for field in split_fields(record)]


def _read_field(field: str, nulls: Collection[str]) -> FieldValue:
    if field.startswith('"'):
        return _undo_quotes(field)
    return None if field in nulls else field or UNSET


def _read_name(field: str) -> str:
    return _undo_quotes(field) if field.startswith('"') else field


def _undo_quotes(field: str) -> str:
    return field[1:-1].replace('""', '"')


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
    return PlainHeader(_split_header(header.decode()), end)
