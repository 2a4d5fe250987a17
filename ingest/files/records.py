"""CSV text of any dialect taken apart with care: a record that can be read in two ways is none.

A physical line that cannot be read is given out as such, and reading goes on after it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

BACKSLASH = "\\"

AFTER_QUOTE = "text after a closing quote"
NOT_CLOSED = "a quote that opens in this line is never closed"
UNCERTAIN = "a quote amid a field may enclose a delimiter"
SWALLOWED = "a quote that opens in this line takes in the lines after it"

# A quote that is not closed in so many characters is taken for a stray one.
LONGEST_RECORD = 16 * 1024 * 1024

_BLANK = re.compile(r"[\r\n]++")
_LINE = re.compile(r"[^\r\n]*+(?:\r\n?|\n|\Z)")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How CSV text is written; without a quote none of its fields stands in quotes."""

    delimiter: str = ","
    quote: str | None = None
    escape: str | None = None  # a doubled quote is escaped by the quote itself

    @property
    def is_standard(self) -> bool:
        """Whether RFC 4180 would read it, but for the delimiter, a single byte."""
        return (
            len(self.delimiter) == 1
            and self.delimiter.isascii()
            and self.quote in {None, '"'}
            and self.escape in {None, '"'}
        )


@dataclass(frozen=True, slots=True)
class Record:
    """A record by its first line; where there is a problem, the text is one line of the file."""

    line: int
    text: str
    fields: list[str]  # with their quotes, as they stand in the text
    problem: str | None = None
    is_loose: bool = False  # whether quotes inside of fields stand there unescaped

    @property
    def height(self) -> int:
        """How many line ends it has inside of fields."""
        return count_line_ends(self.text)


def count_line_ends(text: str) -> int:
    """Return how many lines end in a text."""
    return text.count("\n") + text.count("\r") - text.count("\r\n")


class RecordReader:
    """Reads records of one dialect; `width` is how many fields each should have, if known."""

    def __init__(self, dialect: Dialect, width: int | None = None) -> None:
        self.dialect = dialect
        self.width = width
        self.quote = dialect.quote or '"'
        self._patterns = _Patterns(dialect.delimiter, self.quote, dialect.escape)
        # Where quotes are not escaped, one inside of a field is followed by other text.
        self._is_lenient = dialect.escape != self.quote

    def read(self, text: str, line: int = 1, *, is_last: bool = True) -> tuple[list[Record], int]:
        """Return the records of a text that begins at this line, and where the rest begins.

        Unless the text is the file's last, the rest is a record that may go on.
        """
        records: list[Record] = []
        at = 0
        while at < len(text):
            if blank := _BLANK.match(text, at):
                if blank.end() == len(text) and not is_last:
                    break  # a return may be the first half of a line end
                line += count_line_ends(blank[0])
                at = blank.end()
                continue
            record, end = self._read_one(text, at, line, is_last=is_last)
            if record is None:
                break
            records.append(record)
            line += count_line_ends(text[at:end])
            at = end
        return records, at

    def unquote(self, field: str) -> str:
        """Return the text of a field as it stands in a record."""
        if not self.is_quoted(field):
            is_escaped = self.dialect.escape == BACKSLASH and BACKSLASH in field
            return self._patterns.escaped.sub(r"\1", field) if is_escaped else field
        inner = field[1:-1]
        if self.dialect.escape in {None, self.quote}:
            return inner.replace(self.quote * 2, self.quote)
        return self._patterns.escaped.sub(r"\1", inner)

    def is_quoted(self, field: str) -> bool:
        """Return whether a field stands in quotes."""
        return field[:1] == self.quote and len(field) > 1 and field[-1] == self.quote

    def _read_one(
        self, text: str, at: int, line: int, *, is_last: bool
    ) -> tuple[Record | None, int]:
        found = self._patterns.record.match(text, at)
        if found:
            if found.end() == len(text) and not is_last:
                return None, at
            raw = found[1]
            if self.quote not in raw:
                return Record(line, raw, raw.split(self.dialect.delimiter)), found.end()
            fields = self._patterns.split(raw)
            problem = self._find_doubt(raw, fields)
            if problem != SWALLOWED:
                return Record(line, raw, fields, problem), found.end()
        elif (
            not is_last and len(text) - at < LONGEST_RECORD and self._patterns.open.match(text, at)
        ):
            return None, at
        return self._read_line(text, at, line, is_last=is_last)

    def _find_doubt(self, raw: str, fields: list[str]) -> str | None:
        is_wide = self.width is not None and len(fields) != self.width
        if is_wide and count_line_ends(raw):
            return SWALLOWED
        if self.dialect.quote and self._patterns.has_stray(raw):
            return UNCERTAIN
        return None

    def _read_line(
        self, text: str, at: int, line: int, *, is_last: bool
    ) -> tuple[Record | None, int]:
        """Return one physical line as a record: of loose quotes, or one that cannot be read."""
        found = _LINE.match(text, at)
        end = found.end() if found else len(text)
        if end == len(text) and not is_last:
            return None, at
        raw = text[at:end].rstrip("\r\n")
        if self._is_lenient and self._patterns.loose.match(raw):
            fields = self._patterns.split_loosely(raw)
            if self.width in {None, len(fields)} and len(fields) > 1:
                return Record(line, raw, fields, is_loose=True), end
        is_open = self._patterns.open.match(raw)
        return Record(line, raw, [raw], NOT_CLOSED if is_open else AFTER_QUOTE), end


@dataclass(frozen=True)
class _Patterns:
    """Regular expressions of one dialect."""

    delimiter: str
    quote: str
    escape: str | None

    @property
    def _ends(self) -> str:
        return rf"(?={re.escape(self.delimiter)}|[\r\n]|\Z)"

    @property
    def _body(self) -> str:
        """The text inside of quotes."""
        quote = re.escape(self.quote)
        if self.escape in {None, self.quote}:
            return f"[^{quote}]*+(?:{quote}{quote}[^{quote}]*+)*+"
        escape = re.escape(str(self.escape))
        return rf"(?:[^{quote}{escape}]++|{escape}[\s\S]|{quote}{quote})*+"

    @property
    def _plain(self) -> str:
        """A field without quotes."""
        end = re.escape(self.delimiter)
        if len(self.delimiter) == 1:
            return rf"(?!{re.escape(self.quote)})[^{end}\r\n]*+"
        return rf"(?!{re.escape(self.quote)})(?:(?!{end})[^\r\n])*+"

    @property
    def _field(self) -> str:
        quote = re.escape(self.quote)
        return f"(?:{quote}{self._body}{quote}{self._ends}|{self._plain})"

    @property
    def _loose_field(self) -> str:
        quote = re.escape(self.quote)
        inside = rf"(?:[^{quote}\r\n]++|{quote}(?!{re.escape(self.delimiter)}|\Z))*+"
        return rf"(?:{quote}{inside}{quote}|{self._plain})"

    @cached_property
    def record(self) -> re.Pattern[str]:
        """A record and its line end."""
        delimiter = re.escape(self.delimiter)
        return re.compile(rf"({self._field}(?:{delimiter}{self._field})*+)(?:\r\n?|\n|\Z)")

    @cached_property
    def open(self) -> re.Pattern[str]:
        """A record whose last field is not closed at the end of the text."""
        delimiter, quote = re.escape(self.delimiter), re.escape(self.quote)
        return re.compile(rf"(?:{self._field}{delimiter})*+{quote}{self._body}\Z")

    @cached_property
    def loose(self) -> re.Pattern[str]:
        """A line in which quotes end a field only where a delimiter follows."""
        field, delimiter = self._loose_field, re.escape(self.delimiter)
        return re.compile(rf"{field}(?:{delimiter}{field})*+\Z")

    @cached_property
    def escaped(self) -> re.Pattern[str]:
        """An escaped quote or escape; before other text an escape stands for itself."""
        quote, escape = re.escape(self.quote), re.escape(str(self.escape))
        return re.compile(rf"(?:{escape}|{quote}(?={quote}))([{quote}{escape}])")

    def split(self, raw: str) -> list[str]:
        """Return the fields of a record."""
        return self._split.findall(raw + self.delimiter)

    def split_loosely(self, raw: str) -> list[str]:
        """Return the fields of a line that `loose` matches."""
        return self._split_loose.findall(raw + self.delimiter)

    def has_stray(self, raw: str) -> bool:
        """Return whether quotes outside of quoted fields may enclose a delimiter."""
        return bool(self._stray.search(self._quoted.sub("", raw)))

    @cached_property
    def _split(self) -> re.Pattern[str]:
        return re.compile(f"({self._field}){re.escape(self.delimiter)}")

    @cached_property
    def _split_loose(self) -> re.Pattern[str]:
        return re.compile(f"({self._loose_field}){re.escape(self.delimiter)}")

    @cached_property
    def _quoted(self) -> re.Pattern[str]:
        quote, delimiter = re.escape(self.quote), re.escape(self.delimiter)
        return re.compile(rf"(?:\A|(?<={delimiter})){quote}{self._body}{quote}{self._ends}")

    @cached_property
    def _stray(self) -> re.Pattern[str]:
        quote, delimiter = re.escape(self.quote), re.escape(self.delimiter)
        inside = f"[^{quote}]*"
        return re.compile(
            rf"{quote}(?!{delimiter}|\Z){inside}{delimiter}{inside}(?<!{delimiter}){quote}"
            rf"|(?:\A|(?<={delimiter}))[ \t]+{quote}"
            + ("" if self.escape == BACKSLASH else rf"|\\{quote}")
        )


def iterate_values(reader: RecordReader, records: list[Record]) -> Iterator[list[str]]:
    """Yield the texts of each record's fields."""
    for record in records:
        yield [reader.unquote(field) for field in record.fields]
