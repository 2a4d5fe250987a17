"""CSV inspected: dialect, structure and columns of a sample put together."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ingest.files.column_types import ColumnType, infer_types
from ingest.files.dialect import DELIMITERS, DialectFound, detect_dialect
from ingest.files.inspection import (
    InspectedColumn,
    Inspection,
    LineProblem,
    Question,
    find_key,
)
from ingest.files.records import Record, RecordReader, iterate_values
from ingest.files.sample import Sample
from ingest.files.structure import Structure, find_structure

# Enough for a preamble and some hundred rows; each dialect that is tried reads them.
_DIALECT_CHARACTERS = 96 * 1024
_SHOWN_EXAMPLES = 3
_SHOWN_PROBLEMS = 20
_SHOWN_CHARACTERS = 60
_LINE_ENDS = {"\r\n": "CRLF", "\n": "LF", "\r": "CR"}


@dataclass(frozen=True, slots=True)
class ReadSample:
    """A sample taken apart: its records, and those of the rows that have all fields."""

    found: DialectFound
    structure: Structure
    reader: RecordReader
    first: Record | None
    body: Sequence[Record]
    rows: Sequence[Sequence[str]]


def inspect_csv(sample: Sample, name: str, delimiters: Sequence[str] = DELIMITERS) -> Inspection:
    """Return what a sample of CSV says about its file."""
    if not sample.head.strip():
        return Inspection(file=name, format="csv", encoding=sample.encoding, rows_estimate=0)
    read = read_csv_sample(sample, delimiters)
    structure, dialect = read.structure, read.found.dialect
    types = infer_types(read.rows or [[""] * structure.width])
    columns = list(_describe_columns(read, types))
    return Inspection(
        file=name,
        format="csv",
        compression=sample.compression,
        encoding=sample.encoding,
        delimiter=dialect.delimiter if structure.width > 1 else None,
        quote=dialect.quote,
        escape=dialect.escape,
        line_end=_find_line_end(sample.head),
        decimal=_most_common(each.decimal for each in types),
        thousands=_most_common(each.thousands for each in types),
        preamble_lines=structure.preamble_lines,
        header_lines=structure.header_lines,
        footer_lines=structure.footer_lines,
        first_line=structure.first_line,
        columns=columns,
        key=find_key(columns, read.rows),
        rows_estimate=_estimate_rows(sample, read),
        is_whole=sample.is_whole,
        problems=list(_find_problems(read))[:_SHOWN_PROBLEMS],
        questions=[*_ask(sample, read), *_ask_columns(columns, types)],
    )


def read_csv_sample(sample: Sample, delimiters: Sequence[str] = DELIMITERS) -> ReadSample:
    """Take a sample apart, its fields divided by one of the delimiters."""
    found = detect_dialect(sample.head[:_DIALECT_CHARACTERS], delimiters)
    reader = RecordReader(found.dialect, found.width)
    records, _ = reader.read(sample.head, is_last=sample.is_whole)
    structure = find_structure(records, reader, found.width)
    body = [
        each
        for each in records[: len(records) - structure.footer_lines]
        if each.line >= structure.first_line
        and (structure.other_table_line is None or each.line < structure.other_table_line)
    ]
    more = [
        each
        for piece in sample.pieces
        for each in reader.read(piece, is_last=piece is sample.pieces[-1])[0]
    ]
    whole = [each for each in body + more if _is_whole(each, structure)]
    rows = list(iterate_values(reader, whole))
    return ReadSample(found, structure, reader, records[0] if records else None, body, rows)


def _is_whole(record: Record, structure: Structure) -> bool:
    return not record.problem and len(record.fields) == structure.width


def _columns(rows: Sequence[Sequence[str]], width: int) -> Iterator[Sequence[str]]:
    return zip(*rows, strict=True) if rows else iter([()] * width)


def _describe_columns(read: ReadSample, types: Sequence[ColumnType]) -> Iterator[InspectedColumn]:
    columns = _columns(read.rows, read.structure.width)
    for name, found, values in zip(read.structure.names, types, columns, strict=True):
        nothing = {"", *found.null_words}
        filled = dict.fromkeys(value for value in values if value.strip() not in nothing)
        yield InspectedColumn(
            name=name,
            type=found.type,
            nullable=any(value.strip() in nothing for value in values) or not values,
            format=found.format,
            decimal=found.decimal,
            thousands=found.thousands,
            null_words=found.null_words,
            examples=[value[:_SHOWN_CHARACTERS] for value in list(filled)[:_SHOWN_EXAMPLES]],
            evidence=found.evidence,
            alternatives=found.alternatives,
        )


def _estimate_rows(sample: Sample, read: ReadSample) -> int | None:
    if sample.is_whole:
        return len(read.body)
    if sample.compression or sample.size is None or not read.body:
        return None
    return round(len(read.body) * sample.size / sample.head_size)


def _find_problems(read: ReadSample) -> Iterator[LineProblem]:
    for record in read.body:
        if record.problem:
            yield LineProblem(record.line, "unreadable", record.problem)
        elif len(record.fields) != read.structure.width:
            message = f"{len(record.fields)} fields where there are {read.structure.width}"
            yield LineProblem(record.line, "column_count", message)
    if read.structure.other_table_line:
        message = "another header: a second table begins here"
        yield LineProblem(read.structure.other_table_line, "other_table", message)


def _ask(sample: Sample, read: ReadSample) -> Iterator[Question]:
    if sample.encodings:
        question = f"the text is not UTF-8; {sample.encoding} is a guess"
        yield Question("encoding", question, [sample.encoding, *sample.encodings])
    if read.found.alternatives:
        question = "another delimiter makes a table too"
        yield Question("delimiter", question, read.found.alternatives)
    if not read.structure.is_certain:
        question = "every column is text: nothing but the look of it tells the header from a row"
        yield Question("header", question, ["the first line is the header", "it is a row"])
    if not read.structure.is_aligned:
        question = "the header has one name less than the rows have fields"
        yield Question("header", question, ["the first field has no name", "the last has none"])


def _ask_columns(
    columns: Sequence[InspectedColumn], types: Sequence[ColumnType]
) -> Iterator[Question]:
    for column, found in zip(columns, types, strict=True):
        if found.question:
            yield Question(column.name, found.question, found.alternatives)


def _find_line_end(text: str) -> str | None:
    crlf = text.count("\r\n")
    counts = {"\r\n": crlf, "\n": text.count("\n") - crlf, "\r": text.count("\r") - crlf}
    end = max(counts, key=lambda each: counts[each])
    return _LINE_ENDS[end] if counts[end] else None


def _most_common(marks: Iterator[Any]) -> str | None:
    found = Counter(filter(None, marks)).most_common(1)
    return str(found[0][0]) if found else None
