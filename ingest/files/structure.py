"""The parts of a CSV file around its rows: preamble, header, footer, and another table."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ingest.files.records import Record, RecordReader
from ingest.files.values import is_nothing, is_number, is_temporal

_MOST_HEADER_LINES = 5
# A title stands in one cell, perhaps with a second one beside it; in a table of three columns
# nothing tells it from a header's first row.
_NARROW = 3
_MOST_TITLE_CELLS = 3
# Of a column's values: how many are numbers or dates where it is one of numbers or dates.
_TYPED = 0.8
_JUDGED_ROWS = 200


@dataclass(frozen=True, slots=True)
class Structure:
    """Where the parts of a file are; lines count from 1, lengths count records and blank lines."""

    width: int
    preamble_lines: int = 0
    header_lines: int = 0
    footer_lines: int = 0
    names: Sequence[str] = ()  # one for each field, none of them twice
    titles: Sequence[str] = ()  # as they stand in the header; none without one
    header_line: int = 1
    first_line: int = 1  # of the first row
    other_table_line: int | None = None  # where another header stands
    is_certain: bool = True  # whether there is a header
    is_aligned: bool = True  # whether the header has a name for each field


def find_structure(records: Sequence[Record], reader: RecordReader, width: int) -> Structure:
    """Return the structure of a file that begins with these records; `width` is its rows'."""
    rows = [_Row(each, [reader.unquote(field) for field in each.fields]) for each in records]
    footer = _count_footer(rows, width)
    body = rows[: len(rows) - footer]
    body = _align_header(body, width)
    start = next((n for n, row in enumerate(body) if row.is_regular(width)), 0)
    header_lines, is_certain = _count_header(body[start:], width)
    is_aligned = not header_lines or len(body[start].record.fields) == width
    if not header_lines and start:
        # What stands before rows without a header is a row too, or a header that cannot be read.
        is_aligned = not (start == 1 and _may_be_header(body[0], reader))
        start, header_lines = 0, 0 if is_aligned else 1
    first = body[start + header_lines].record.line if start + header_lines < len(body) else 0
    header = [row.values for row in body[start : start + header_lines]]
    titles = _join_titles(header) if all(len(row) == width for row in header) else []
    other = find_other_table([row.record for row in body[start + header_lines :]], reader, titles)
    return Structure(
        width=width,
        preamble_lines=_count_preamble(body[:start], body[start].record.line) if start else 0,
        header_lines=header_lines,
        footer_lines=footer,
        names=name_fields(titles or [""] * width),
        titles=titles,
        header_line=body[start].record.line if header_lines else 1,
        first_line=first or (body[-1].record.line + 1 + body[-1].record.height if body else 1),
        other_table_line=other,
        is_certain=is_certain,
        is_aligned=is_aligned,
    )


@dataclass(frozen=True, slots=True)
class _Row:
    record: Record
    values: list[str]

    @property
    def is_blank(self) -> bool:
        return not any(value.strip() for value in self.values)

    def is_regular(self, width: int) -> bool:
        """Whether it may be a row of the table or of its header."""
        filled = sum(bool(value.strip()) for value in self.values)
        least = 1 if width <= _NARROW else min(width / 2, _MOST_TITLE_CELLS + 1)
        return len(self.values) == width and not self.record.problem and filled >= least


def _align_header(rows: list[_Row], width: int) -> list[_Row]:
    """Return the rows with a header that lacks one name as wide as the others.

    Without a value in their last field the rows end in a delimiter; otherwise, as R writes it, the
    first field has no name.
    """
    if len(rows) < 2 or len(rows[0].values) != width - 1 or rows[0].record.problem:
        return rows
    if any(len(row.values) != width for row in rows[1:]):
        return rows
    names = rows[0].values
    ends_blank = not any(row.values[-1].strip() for row in rows[1:])
    return [_Row(rows[0].record, [*names, ""] if ends_blank else ["", *names]), *rows[1:]]


def _count_preamble(rows: Sequence[_Row], header_line: int) -> int:
    """Return how many records and blank lines stand before the header."""
    blank_lines = header_line - 1 - sum(1 + row.record.height for row in rows)
    return len(rows) + blank_lines


def _count_footer(rows: Sequence[_Row], width: int) -> int:
    """Return how many of the last records have no value, or are notes of one field."""
    count = 0
    for row in reversed(rows[1:]):
        is_note = len(row.values) == 1 and width > 2 and not row.record.problem
        if not (is_note or (row.is_blank and len(row.values) > 1)):
            break
        count += 1
    return count


def _count_header(rows: Sequence[_Row], width: int) -> tuple[int, bool]:
    """Return how many of the first rows are the header, and whether that is certain.

    Over a column of numbers or dates a header has a word.
    """
    regular = [row for row in rows if len(row.values) == width and not row.record.problem]
    if not regular:
        return 0, True
    half = (len(regular) + 1) // 2
    kinds = _column_kinds(regular[half : half + _JUDGED_ROWS], width)
    count = 0
    for row in rows[: min(_MOST_HEADER_LINES, len(regular) - 1)]:
        if not _is_header(row, kinds):
            break
        count += 1
    if count or any(kinds):
        return count, True
    first = [value.strip() for value in regular[0].values]
    is_likely = len(set(first)) == width and not any(map(_kind, first)) and rows[0] is regular[0]
    return int(is_likely and sum(map(bool, first)) >= width - 1), len(regular) == 1


def _is_header(row: _Row, kinds: Sequence[str]) -> bool:
    if len(row.values) != len(kinds):
        return False
    found = [
        (kind, _kind(value))
        for kind, value in zip(kinds, row.values, strict=True)
        if kind and value.strip()
    ]
    return bool(found) and not any(kind == given for kind, given in found)


def _may_be_header(row: _Row, reader: RecordReader) -> bool:
    """Return whether a record that is no row of the table has words alone."""
    texts = row.record.text.split(reader.dialect.delimiter)
    return not any(map(_kind, (text.strip(reader.quote) for text in texts)))


def _column_kinds(rows: Sequence[_Row], width: int) -> list[str]:
    """Return for each column whether it has numbers, dates, or anything ("")."""
    kinds = []
    for place in range(width):
        values = [row.values[place] for row in rows if not is_nothing(row.values[place])]
        (kind, count) = Counter(map(_kind, values)).most_common(1)[0] if values else ("", 0)
        kinds.append(kind if count >= _TYPED * len(values) else "")
    return kinds


def _kind(value: str) -> str:
    if is_number(value):
        return "number"
    if is_temporal(value):
        return "temporal"
    return "link" if value.startswith(("http://", "https://")) else ""


def _join_titles(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the titles of columns; in a header of several rows a title spans the cells after it.

    The last row has the columns' own titles, and no spans.
    """
    filled = []
    for row in rows[:-1]:
        title, spans = "", []
        for value in row:
            title = value.strip() or title
            spans.append(title)
        filled.append(spans)
    filled += [[value.strip() for value in row] for row in rows[-1:]]
    return [" ".join(dict.fromkeys(filter(None, parts))) for parts in zip(*filled, strict=True)]


def name_fields(titles: Sequence[str]) -> list[str]:
    """Return a name for each field: an empty or doubled title gets one by its place."""
    names: list[str] = []
    for place, title in enumerate(titles, 1):
        name = title.strip() or f"column_{place}"
        names.append(f"{name}_{place}" if name in names else name)
    return names


def find_other_table(
    records: Sequence[Record], reader: RecordReader, titles: Sequence[str]
) -> int | None:
    """Return the line of the first record that repeats most of the header's titles."""
    known = {title for title in titles if title}
    if len(known) < 2:
        return None
    for record in records:
        if record.problem or record.fields[0].strip(reader.quote) != titles[0]:
            continue
        values = {reader.unquote(field).strip() for field in record.fields}
        if len(values & known) * 2 > len(known):
            return record.line
    return None
