"""CSV text cut into records without changing a byte of them; records parsed and written.

The rules are those of Python's `csv` module in strict mode: a quote opens only at the start of a
field, a doubled quote stands for one, and a line feed, a carriage return or both end a record
outside quotes. Work is done on whole blocks, because a step for each row would cost more than
sending it.
"""

import csv
import io
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain

from ingest.loaders.formats.rows import FileMalformed, Rows, Unreadable, refuse_long_row

# The module's own limit of 128 KiB a field is less than the service takes.
csv.field_size_limit(sys.maxsize)

# Line ends inside quotes are masked by bytes that never occur in UTF-8.
_MASK = bytes.maketrans(b"\n\r", b"\xff\xfe")
_UNMASK = bytes.maketrans(b"\xff\xfe", b"\n\r")
_MASKED_LF = b"\xff"
_MASKED_CR = b"\xfe"
# A return at the very end of a block may be the first half of a line end.
_QUOTED = frozenset('",\r\n')

# Means null in records of one field.
LONE_NULL = "\\N"
_LONE_CR = re.compile(rb"\r(?!\n|\Z)")


def split_csv(blocks: Iterable[bytes], delimiter: str = ",") -> Iterator[Rows]:
    """Yield the records of UTF-8 CSV text, without their line ends; blank lines are left out.

    The place of a record is the line it begins at, from 1. `FileMalformed`, naming the line, comes
    after the records before the damage.
    """
    quoting = Quoting.of(delimiter)
    rest = b""
    line = 1
    try:
        for block in chain(blocks, [b"\n"]):
            data = rest + block
            masked = _mask(data, quoting)
            cut = masked.text.rfind(b"\n") + 1
            complete, rest = masked.text[:cut], data[cut:]
            yield _records(complete, line)
            if masked.is_damaged:
                raise _damage(line + _count_lines(masked.text), "text after a closing quote")
            line += _count_lines(complete)
            refuse_long_row(rest, f"line {line}", line=line)
    except Unreadable as error:
        raise _damage(line + rest.count(b"\n"), error.message) from error
    if rest:
        raise _damage(line, "a quote that opens in this record is never closed")


@dataclass(frozen=True, slots=True)
class Quoting:
    """What depends on the delimiter."""

    field_ends: bytes
    field: re.Pattern[bytes]  # a quoted field; any other quote is an ordinary character
    stray: re.Pattern[bytes]  # a quote that touches other text than a field's end

    @classmethod
    def of(cls, delimiter: str) -> "Quoting":
        ends = re.escape(delimiter.encode()) + rb"\r\n"
        return cls(
            field_ends=delimiter.encode() + b"\r\n",
            field=re.compile(rb'"(?<![^%b]")[^"]*+(?:""[^"]*+)*+(?P<close>"?)' % ends),
            stray=re.compile(rb'"(?:(?<=[^%b"]")|(?=[^%b"]))' % (ends, ends)),
        )


@dataclass(frozen=True, slots=True)
class Cut:
    """Whole records, the text after them, and the line it begins at."""

    rows: Rows
    rest: bytes
    line: int


def cut_clean(data: bytes, line: int, quoting: Quoting) -> Cut | None:
    """Cut text that begins at a record of this line; None where a quote stands amid other text."""
    masked = _mask_by_parity(data, quoting) if b'"' in data else _Masked(data)
    if masked is None:
        return None
    text = _end_lines(masked.text)
    cut = text.rfind(b"\n") + 1
    complete = text[:cut]
    return Cut(_records(complete, line), data[cut:], line + _count_lines(complete))


@dataclass(frozen=True, slots=True)
class _Masked:
    """Text whose only line feeds are those between records; damaged: its last field is bad."""

    text: bytes
    is_damaged: bool = False


def _mask(data: bytes, quoting: Quoting) -> _Masked:
    masked = _Masked(data)
    if b'"' in data:
        masked = _mask_by_parity(data, quoting) or _mask_each(data, quoting)
    return _Masked(_end_lines(masked.text), masked.is_damaged)


def _end_lines(text: bytes) -> bytes:
    """Return the text with line feeds in place of carriage returns that stand alone."""
    if b"\r" not in text or text.count(b"\r") == text.count(b"\r\n"):
        return text
    return _LONE_CR.sub(b"\n", text)


def _mask_by_parity(data: bytes, quoting: Quoting) -> _Masked | None:
    """Mask every second stretch between quotes; None where a quote stands amid other text."""
    parts = data.split(b'"')
    outside = b'"'.join(parts[::2])
    if len(parts) % 2 == 0:  # the last quote is open, so that nothing outside follows it
        outside += b'"'
    if quoting.stray.search(outside):
        return None
    inside = b'"'.join(parts[1::2])
    if b"\n" not in inside and b"\r" not in inside:
        return _Masked(data)
    parts[1::2] = inside.translate(_MASK).split(b'"')
    return _Masked(b'"'.join(parts))


def _mask_each(data: bytes, quoting: Quoting) -> _Masked:
    pieces: list[bytes] = []
    done = 0
    for field in quoting.field.finditer(data):
        pieces += data[done : field.start()], field.group().translate(_MASK)
        done = field.end()
        if field["close"] and data[done : done + 1] not in quoting.field_ends:
            return _Masked(b"".join(pieces), is_damaged=True)
    return _Masked(b"".join([*pieces, data[done:]]))


def _records(complete: bytes, line: int) -> Rows:
    if b"\r" in complete:
        complete = complete.replace(b"\r\n", b"\n")
    texts = complete.split(b"\n")[:-1]
    places: list[int] | range = range(line, line + len(texts))
    if _MASKED_LF in complete or _MASKED_CR in complete:
        heights = (text.count(_MASKED_LF) + 1 for text in texts)
        places = list(accumulate(heights, initial=line))[:-1]
        texts = [text.translate(_UNMASK) for text in texts]
    if b"" in texts:
        places = [place for place, text in zip(places, texts, strict=True) if text]
        texts = [text for text in texts if text]
    return Rows(texts, places)


def _count_lines(masked: bytes) -> int:
    return masked.count(b"\n") + masked.count(_MASKED_LF)


def _damage(line: int, problem: str) -> FileMalformed:
    return FileMalformed(f"line {line}: {problem}", line=line)


def parse_records(records: Sequence[bytes], delimiter: str = ",") -> Iterator[list[str]]:
    """Yield the fields of each UTF-8 record."""
    text = io.StringIO(b"\n".join(records).decode(), newline="")
    return csv.reader(text, delimiter=delimiter, strict=True)


def split_records(records: Iterable[bytes], delimiter: str = ",") -> Iterator[list[str]]:
    """Yield the fields of each UTF-8 record as they stand in it, with their quotes."""
    end = re.escape(delimiter)
    field = re.compile(rf'("(?:[^"]++|"")*+"|[^{end}]*+){end}')
    for record in records:
        text = record.decode()
        yield field.findall(text + delimiter) if '"' in text else text.split(delimiter)


def read_field(field: str) -> str | None:
    """Return the text of a field as it stands in a record, None for nothing."""
    return field[1:-1].replace('""', '"') if field.startswith('"') else field or None


def write_field(text: str | None) -> str:
    """Return a field with this text; None is nothing, the empty text a pair of quotes."""
    if text is None:
        return ""
    is_plain = text and _QUOTED.isdisjoint(text)
    return text if is_plain else '"' + text.replace('"', '""') + '"'


def join_fields(fields: Sequence[str]) -> str:
    """Return fields as they stand in a record of any delimiter as a comma-separated record.

    A record of one field that has nothing would be a blank line: `LONE_NULL` stands in its place.
    """
    if len(fields) == 1 and fields[0] in {"", LONE_NULL}:
        return LONE_NULL if not fields[0] else f'"{LONE_NULL}"'
    return ",".join(
        f'"{field.replace(chr(34), chr(34) * 2)}"' if "," in field and field[0] != '"' else field
        for field in fields
    )


def join_records(rows: Iterable[Sequence[str]]) -> bytes:
    """Return records of fields as they stand in a file as comma-separated UTF-8."""
    return "".join(f"{join_fields(fields)}\r\n" for fields in rows).encode()


def write_records(rows: Iterable[Sequence[str]]) -> bytes:
    """Return the rows as comma-separated UTF-8 records."""
    out = io.StringIO(newline="")
    # With any other line end the writer leaves a carriage return in a value unquoted.
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue().encode()
