"""CSV of any dialect cut into records of commas and quotes, or of its own delimiter.

Text that RFC 4180 reads is cut in blocks, as `csv_rows` does. A line that cannot be read for
certain becomes a row with more fields than there are columns, its text and the reason in front:
the service rejects it and keeps it, whatever a load does with its fields.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ingest.files.records import (
    LONGEST_RECORD,
    Dialect,
    Record,
    RecordReader,
    count_line_ends,
)
from ingest.files.structure import find_other_table
from ingest.loaders.formats.csv_rows import Cut, Quoting, cut_clean, write_field
from ingest.loaders.formats.rows import FileMalformed, Rows, Unreadable

_STANDARD_DELIMITER = ","


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvPlan:
    """How a CSV file is read: what an inspection found, or was told."""

    dialect: Dialect
    width: int
    first_line: int  # of the first row
    titles: Sequence[str] = ()  # none: the file has no header
    has_header: bool = False  # whether the first record that is given out is the header

    @property
    def delimiter(self) -> str:
        """The delimiter of the records that are given out."""
        return self.dialect.delimiter if self.dialect.is_standard else _STANDARD_DELIMITER

    @property
    def header(self) -> bytes:
        """The titles as a record."""
        return self.delimiter.join(map(self._write_title, self.titles)).encode()

    def _write_title(self, title: str) -> str:
        return _quote(title) if self.delimiter in title else write_field(title)


def split_foreign(blocks: Iterable[bytes], plan: CsvPlan) -> Iterator[Rows]:
    """Yield the rows of a file, those before them left out, and those after them without a value.

    Raises `FileMalformed` where another table begins and where the bytes end too early.
    """
    return trim_rows(_cut(blocks, plan), plan)


def trim_rows(chunks: Iterable[Rows], plan: CsvPlan) -> Iterator[Rows]:
    """Leave out what stands before the first row, and rows without a value after the last."""
    return _drop_blank_tail((_skip_lines(rows, plan.first_line) for rows in chunks), plan)


def _cut(blocks: Iterable[bytes], plan: CsvPlan) -> Iterator[Rows]:
    cutter = _Cutter(plan)
    headers = _HeaderSearch(plan)
    rest, line = b"", 1
    try:
        for block in blocks:
            data = rest + block
            cut = cutter.cut(data, line)
            rest, line = cut.rest, cut.line
            yield from headers.end_before(cut.rows, data)
    except Unreadable as error:
        place = line + rest.count(b"\n")
        raise FileMalformed(f"line {place}: {error.message}", line=place) from error
    yield from headers.end_before(cutter.cut(rest, line, is_last=True).rows, rest)


class _Cutter:
    """Cuts text that begins at a record, the quick way where no quote is out of place."""

    def __init__(self, plan: CsvPlan) -> None:
        self._plan = plan
        self._reader = RecordReader(plan.dialect, plan.width)
        is_standard = plan.dialect.is_standard
        self._quoting = Quoting.of(plan.dialect.delimiter) if is_standard else None

    def cut(self, data: bytes, line: int, *, is_last: bool = False) -> Cut:
        """Return whole records, all of them where no more text follows."""
        if self._quoting and not is_last and len(data) < LONGEST_RECORD:
            cut = cut_clean(data, line, self._quoting)
            if cut:
                return cut
        text = data.decode()
        records, end = self._reader.read(text, line, is_last=is_last)
        texts = [self._write(record) for record in records]
        next_line = line + count_line_ends(text[:end])
        rows = Rows(texts, [record.line for record in records])
        return Cut(rows, text[end:].encode(), next_line)

    def _write(self, record: Record) -> bytes:
        if record.problem:
            fields = [_quote(record.text), _quote(f"not read: {record.problem}")]
            more = max(self._plan.width + 1 - len(fields), 0)
            return self._plan.delimiter.join(fields + [""] * more).encode()
        if self._quoting and not record.is_loose:
            return record.text.encode()
        return self._plan.delimiter.join(map(self._rewrite, record.fields)).encode()

    def _rewrite(self, field: str) -> str:
        text = self._reader.unquote(field)
        if self._reader.is_quoted(field) or self._plan.delimiter in text:
            return _quote(text)
        return write_field(text) if text else ""


def _quote(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _skip_lines(rows: Rows, first_line: int) -> Rows:
    if not rows.places or rows.places[0] >= first_line:
        return rows
    skipped = sum(place < first_line for place in rows.places)
    return Rows(rows.texts[skipped:], rows.places[skipped:])


class _HeaderSearch:
    """Finds a record that repeats the header: the begin of another table."""

    def __init__(self, plan: CsvPlan) -> None:
        self._plan = plan
        self._first_row = plan.first_line + plan.has_header
        self._reader = RecordReader(Dialect(plan.delimiter, '"', '"'))
        title = plan.titles[0] if plan.titles else ""
        self._title = title.encode()
        self._starts = (title.encode(), _quote(title).encode()) if title else ()
        quotes = {plan.dialect.quote, '"', ""} - {None}
        self._marks = [f"\n{quote}{title}".encode() for quote in quotes] if title else []

    def end_before(self, rows: Rows, data: bytes) -> Iterator[Rows]:
        """Yield the rows of this text; raise `FileMalformed` after those before another header."""
        if self._marks and b"\n" not in data:
            data = data.replace(b"\r", b"\n")
        has_header = self._title in data and any(mark in data for mark in self._marks)
        for number, text in enumerate(rows.texts if has_header else []):
            place = rows.places[number]
            if place < self._first_row or not text.startswith(self._starts):
                continue
            records, _ = self._reader.read(text.decode(), place)
            if find_other_table(records, self._reader, self._plan.titles):
                yield Rows(rows.texts[:number], rows.places[:number])
                message = f"line {place}: the header stands here again: another table begins"
                raise FileMalformed(message, line=place)
        yield rows


def _drop_blank_tail(chunks: Iterable[Rows], plan: CsvPlan) -> Iterator[Rows]:
    """Leave out the last rows where they have no value, as spreadsheets write them."""
    if plan.width == 1:
        yield from chunks
        return
    blank = plan.delimiter.encode() * (plan.width - 1)
    held = Rows([], [])
    for rows in chunks:
        if held.texts:
            rows = Rows(held.texts + rows.texts, [*held.places, *rows.places])
            held = Rows([], [])
        end = len(rows.texts)
        while end and rows.texts[end - 1] == blank:
            end -= 1
        if end < len(rows.texts):
            held = Rows(rows.texts[end:], rows.places[end:])
            rows = Rows(rows.texts[:end], rows.places[:end])
        yield rows
