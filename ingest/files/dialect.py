"""The dialect of CSV text, found by reading it in each one that comes into question."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ingest.files.records import BACKSLASH, Dialect, Record, RecordReader
from ingest.files.values import has_form, is_nothing

_PROSE = frozenset({"^", "~", "!", "#", ":", " "})
# The first of several that read a text equally well is taken.
DELIMITERS = (",", ";", "\t", "|", "\x1f", "\x01", "^", "~", "!", "#", ":", " ")
_SAMPLE_RECORDS = 1000
_JUDGED_RECORDS = 200
_SHOWN_ALTERNATIVES = 2
# Of the best score: what comes this close is an alternative.
_CLOSE = 0.8
_LEAST_SCORE = 0.1
_LOOSE_CHARACTERS = re.compile(r"[,;\t|\"\x1f\x01^~]")


@dataclass(frozen=True, slots=True)
class DialectFound:
    """A dialect, how many fields its records have, and others that read the text nearly as well."""

    dialect: Dialect
    width: int
    score: float
    alternatives: Sequence[str] = ()  # other delimiters


def detect_dialect(text: str, delimiters: Sequence[str] = DELIMITERS) -> DialectFound:
    """Return the dialect in which a text makes the best table.

    A table has records of one width, and fields that are numbers, dates, links, quoted, or at
    least hold no other delimiter.
    """
    found = sorted(_read_all(text, delimiters), key=lambda each: -each.score)
    if not found or found[0].score < _LEAST_SCORE:
        return _detect_column(text, delimiters[0])
    best = found[0]
    others = [
        each.dialect.delimiter
        for each in found[1:]
        if each.score > best.score * _CLOSE and each.dialect.delimiter != best.dialect.delimiter
    ]
    shown = tuple(dict.fromkeys(others))[:_SHOWN_ALTERNATIVES]
    return replace(best, dialect=_find_escape(text, best), alternatives=shown)


def _detect_column(text: str, delimiter: str) -> DialectFound:
    """Return the dialect of a file of one column, all of whose values may stand in apostrophes."""
    records = read_some(text, RecordReader(Dialect(delimiter, "'")))
    is_quoted = len(records) > 1 and all(
        len(each.fields) == 1 and each.text[:1] == each.text[-1:] == "'" for each in records
    )
    quote = "'" if is_quoted else '"' if '"' in text else None
    found = DialectFound(Dialect(delimiter, quote), 1, 0.0)
    return replace(found, dialect=_find_escape(text, found))


def _read_all(text: str, delimiters: Sequence[str]) -> Iterator[DialectFound]:
    for delimiter in delimiters:
        for spelled in (delimiter, f"{delimiter} "):
            for quote in ('"', "'"):
                dialect = Dialect(spelled, quote)
                if _may_be(text, dialect):
                    yield _score(text, dialect)


def _may_be(text: str, dialect: Dialect) -> bool:
    """Return whether a text is worth reading in a dialect.

    A delimiter with a blank, and the apostrophe as a quote, need fields that open so and none that
    open otherwise: both occur in prose.
    """
    delimiter, quote = dialect.delimiter, dialect.quote
    if delimiter not in text:
        return False
    is_wide = len(delimiter) > 1
    if not is_wide and quote == '"':
        return True
    narrow = re.escape(delimiter[0])
    starts = Counter(
        (bool(blank), opened)
        for blank, opened in re.findall(
            rf"{narrow}( ?)(['\"])(?=[^\r\n]*\2)"
            if is_wide
            else rf"(?:^|{narrow})( ?)(['\"])(?=[^\r\n]*\2)",
            text,
            re.MULTILINE,
        )
    )
    if is_wide:
        return starts[True, str(quote)] > 0 and not starts[False, '"'] + starts[False, "'"]
    return starts[False, "'"] > 0 and not starts[False, '"']


def _score(text: str, dialect: Dialect) -> DialectFound:
    records = read_some(text, RecordReader(dialect))
    widths = Counter(len(each.fields) for each in records if not each.problem)
    widths.pop(1, None)
    if not widths:
        return DialectFound(dialect, 1, 0.0)
    width = max(widths, key=lambda each: (widths[each], each))
    reader = RecordReader(dialect, width)
    regular = [each for each in records if len(each.fields) == width and not each.problem]
    fitness = _judge_fields(reader, regular[:_JUDGED_RECORDS])
    if dialect.delimiter in _PROSE and not _makes_table(reader, records, regular):
        fitness = 0.0
    quoted = any(reader.is_quoted(field) for each in records for field in each.fields)
    kept = dialect if quoted else replace(dialect, quote=None)
    return DialectFound(kept, width, fitness * len(regular) / len(records))


def _makes_table(
    reader: RecordReader, records: Sequence[Record], regular: Sequence[Record]
) -> bool:
    """Return whether a delimiter that prose has too divides more than words.

    The first record has as many fields as the others, and there are several, or values or quotes.
    """
    if not regular or regular[0] is not records[0]:
        return False
    if reader.width != 2:
        return True
    fields = [field for each in regular[1:_JUDGED_RECORDS] for field in each.fields]
    return bool(fields) and (
        any(map(reader.is_quoted, fields)) or all(has_form(field) for field in fields)
    )


def read_some(text: str, reader: RecordReader) -> list[Record]:
    """Return the first records of a text, of a thousand lines at most."""
    end = 0
    for _, found in zip(range(_SAMPLE_RECORDS), re.finditer(r"\r\n?|\n", text), strict=False):
        end = found.end()
    is_all = text.count("\n", end) + text.count("\r", end) == 0
    return reader.read(text if is_all else text[:end], is_last=is_all)[0]


def _judge_fields(reader: RecordReader, records: Sequence[Record]) -> float:
    """Return how good the fields are, from 0 to 1; a kind of its own counts more than a word."""
    total = count = 0.0
    for record in records:
        for field in record.fields:
            count += 1
            total += _judge_field(reader, field)
    return total / count if count else 0.0


def _judge_field(reader: RecordReader, field: str) -> float:
    if reader.is_quoted(field) or has_form(field):
        return 1.0
    if is_nothing(field):
        return 0.7
    others = _LOOSE_CHARACTERS.search(field)
    return 0.1 if others else 0.7


def _find_escape(text: str, found: DialectFound) -> Dialect:
    """Return the dialect with what stands before a quote inside of quoted fields."""
    dialect = found.dialect
    if dialect.quote is None:
        return dialect
    escapes = [dialect.quote, BACKSLASH] + (['"'] if dialect.quote == "'" else [])
    tried = [replace(dialect, escape=escape) for escape in escapes]
    counts = [_count_escapes(text, RecordReader(each, found.width)) for each in tried]
    seen = [(count, each) for count, each in zip(counts, tried, strict=True) if count[1]]
    return max(seen, key=lambda each: each[0])[1] if seen else dialect


def _count_escapes(text: str, reader: RecordReader) -> tuple[int, int]:
    """Return minus the records that cannot be read, and how many escaped quotes the others have."""
    escape, quote = str(reader.dialect.escape), reader.quote
    sequence = escape + (escape if quote == "'" and escape == '"' else quote)
    records = read_some(text, reader)
    bad = sum(bool(each.problem) or len(each.fields) != reader.width for each in records)
    seen = sum(
        field[1:-1].count(sequence)
        for each in records
        if not each.problem
        for field in each.fields
        if reader.is_quoted(field) or escape == BACKSLASH
    )
    return -bad, seen
