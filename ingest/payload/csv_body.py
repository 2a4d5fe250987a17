"""CSV bodies: records taken apart strictly, matched with a table's columns, judged by its rules."""

import csv
import io
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec

from ingest.catalog.definitions import Column
from ingest.errors import BadUtf8, BodyEmpty, CsvHeader, CsvSyntax
from ingest.outcome import Rejection, RowError
from ingest.validation.csv_columns import SoundRecords, find_plain_text
from ingest.validation.row_checks import printable
from ingest.validation.rules import GroupBy, RowRules
from ingest.validation.validated_rows import Decoded, Rows

# The csv module refuses long fields unless told otherwise; rows have a limit of their own.
csv.field_size_limit(sys.maxsize)

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class CsvBody:
    """The records of a CSV body, each with its first line (from 1) and its text."""

    header: list[str] | None
    records: list[list[str]]
    lines: list[int]
    texts: list[str]
    text: str  # all of it


def read_csv(body: bytes, codec: str, *, has_header: bool) -> CsvBody:
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
    return CsvBody(header, records, lines[first:], texts[first:], text)


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


def match_header(header: Sequence[str], columns: Sequence[Column]) -> list[str]:
    """Return the column of each name in a header, found without regard to case, spaces and `_`.

    Raises `CsvHeader` for a name that no writable column has, and for a column named twice.
    """
    exact = {column.name: column.name for column in columns}
    loose: dict[str, list[str]] = {}
    for column in columns:
        loose.setdefault(_simplify(column.name), []).append(column.name)
    names: list[str] = []
    for given in header:
        trimmed = given.strip()
        found = [exact[trimmed]] if trimmed in exact else loose.get(_simplify(given), [])
        if len(found) != 1:
            problem = f"could be any of {', '.join(found)}" if found else "is not a column"
            raise CsvHeader(f"The header {printable(trimmed[:100])!r} {problem}")
        if found[0] in names:
            raise CsvHeader(f"The header names the column {found[0]} twice")
        names.append(found[0])
    return names


def _simplify(name: str) -> str:
    return name.replace(" ", "").replace("_", "").strip().casefold()


def decode_records(
    rules: RowRules, body: CsvBody, names: Sequence[str], group_by: GroupBy = "default"
) -> Decoded:
    """Sort CSV records, whose fields are of these columns, into good rows and rejections.

    An empty field is a missing value: an error in a required column, the default in another one.
    """
    rules.check_count(len(body.records))
    whole = _decode_flawless(rules, body, names, group_by)
    if whole is not None:
        return _decoded(body, names, whole, [])
    return _decode_each(rules, body, names, group_by)


def read_record(text: str) -> list[str]:
    """Return the fields of one CSV record, as the body it came in was read."""
    return next(csv.reader(io.StringIO(text, newline=""), strict=True), [])


def join_records(names: Sequence[str], records: Iterable[Sequence[str]]) -> bytes:
    """Return flawless records as a JSON array of rows; an empty field is left out."""
    return _encode([_drop_empty(names, record) for record in records])


def record_as_json(rules: RowRules, fields: Mapping[str, str]) -> bytes:
    """Return a CSV record's fields as the JSON row that has the same values.

    What is wrong with a field stays wrong: it becomes a string, which the rules refuse.
    """
    given = {
        name: value
        for name, value in fields.items()
        if value or (name in rules.by_name and not rules.by_name[name].optional)
    }
    sound, _ = rules.examiner.examine(given)
    return _encode(given | sound)


def _decoded(
    body: CsvBody, names: Sequence[str], groups: list[Rows], rejections: list[Rejection]
) -> Decoded:
    return Decoded(
        received=len(body.records),
        groups=groups,
        rejections=rejections,
        format="csv",
        raw_of=lambda index, _: body.texts[index].encode(),
        lines=body.lines,
        fields=names,
    )


def _decode_flawless(
    rules: RowRules, body: CsvBody, names: Sequence[str], group_by: GroupBy
) -> list[Rows] | None:
    """Return the rows if every field of every record passes its column's screen, else None."""
    records = body.records
    width = len(names)
    if set(map(len, records)) != {width} or not rules.requires_only(names):
        return None
    if "\0" in body.text or max(map(len, body.texts)) * 4 > rules.limits.max_row_bytes:
        return None
    has_empty_fields = has_defaults = False
    for name, fields in zip(names, zip(*records, strict=True), strict=True):
        field = rules.by_name[name]
        given: Sequence[str] = fields
        if "" in fields:
            if not field.optional:
                return None
            has_empty_fields = True
            has_defaults = has_defaults or field.column.has_default
            given = [value for value in fields if value]
        if not field.adapter.screen_fields(given):
            return None
    if not has_empty_fields or (group_by == "default" and not has_defaults):
        return [_keep_whole(rules, body, names, group_by)]
    rows = [_drop_empty(names, record) for record in records]
    texts = dict(enumerate(map(_encode, rows)))
    presences = {index: rules.presence_of(row, group_by) for index, row in enumerate(rows)}
    return rules.group(texts, presences, group_by)


def _drop_empty(names: Sequence[str], record: Sequence[str]) -> dict[str, str]:
    return {name: value for name, value in zip(names, record, strict=True) if value}


def _keep_whole(rules: RowRules, body: CsvBody, names: Sequence[str], group_by: GroupBy) -> Rows:
    """Return the records as one group; an empty field is null."""
    records = body.records

    is_copyable = all(rules.by_name[name].adapter.copied_as for name in names)
    columns = tuple(names) if is_copyable else rules.columns_of(names, group_by)
    text = find_plain_text(body.text, body.lines[0] - 1, len(records)) if is_copyable else None
    by_column = SoundRecords(names, records, is_copyable=is_copyable, text=text)
    make_array = partial(join_records, names, records)
    return Rows(columns, range(len(records)), make_array, by_column)


def _decode_each(
    rules: RowRules, body: CsvBody, names: Sequence[str], group_by: GroupBy
) -> Decoded:
    texts, presences = {}, {}
    rejections = []
    examine = _record_examiner(rules, names)
    for index, (record, text) in enumerate(zip(body.records, body.texts, strict=True)):
        raw = text.encode()
        sound, errors = examine(record, len(raw))
        if errors:
            rejections.append(
                Rejection(
                    index=index,
                    line=body.lines[index],
                    raw=raw,
                    format="csv",
                    errors=errors,
                    sound=sound,
                )
            )
        else:
            texts[index] = _encode(sound)
            presences[index] = rules.presence_of(sound, group_by)
    return _decoded(body, names, rules.group(texts, presences, group_by), rejections)


def _record_examiner(
    rules: RowRules, names: Sequence[str]
) -> Callable[[list[str], int], tuple[dict[str, object], list[RowError]]]:
    required = {name for name in names if not rules.by_name[name].optional}

    def examine(record: list[str], size: int) -> tuple[dict[str, object], list[RowError]]:
        if size > rules.limits.max_row_bytes:
            message = f"{size} bytes in one row are too many"
            return {}, [RowError(code="row_too_large", message=message)]
        if len(record) != len(names):
            message = f"{len(record)} fields where there are {len(names)} columns"
            return {}, [RowError(code="column_count", message=message)]
        given = {
            name: value
            for name, value in zip(names, record, strict=True)
            if value or name in required
        }
        return rules.examiner.examine(given)

    return examine
