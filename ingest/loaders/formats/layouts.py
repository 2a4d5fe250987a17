"""How the rows of one file become the bodies of requests."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Literal

from ingest.loaders.formats.changes import Changes, CsvChange, JsonChange
from ingest.loaders.formats.columns import ColumnNames, ColumnsInvalid, name_columns
from ingest.loaders.formats.csv_rows import LONE_NULL, parse_records, write_records
from ingest.loaders.formats.mapping import RowMapping

FormatName = Literal["csv", "ndjson", "json", "sheet"]


BATCH_ROWS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How files are read; what is None is told by a file's name."""

    format: FormatName | None = None
    delimiter: str | None = None
    encoding: str | None = None  # UTF-8 unless an inspection finds another
    has_header: bool = True
    names: ColumnNames = field(default_factory=ColumnNames)
    changes: Changes = field(default_factory=Changes)
    mapping: RowMapping | None = None  # instead of names and changes
    sheet: str | None = None  # of a spreadsheet: the first one unless named
    decimal: str | None = None  # the mark that a file's numbers have
    batch_rows: int = BATCH_ROWS


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What all batches of one file have in common."""

    format: FormatName
    content_type: str
    place: Literal["line", "index"]  # what the places of rows count
    encode: Callable[[Sequence[bytes]], bytes]
    params: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    titles: Sequence[str] = ()  # of a CSV file's fields
    delimiter: str = ","


def lay_out_csv(first: bytes | None, delimiter: str, options: ReadOptions) -> Layout:
    """Return the layout of a CSV file with this first record (None: the file is empty).

    The record is the header, unless the file has none. Records are sent as they are unless a value
    has to change or the delimiter is not a comma.
    """
    plain = Layout(
        format="csv", content_type="text/csv", place="line", encode=b"".join, delimiter=delimiter
    )
    if first is None:
        return plain
    (fields,) = parse_records([first], delimiter)
    if options.mapping:
        return _map_csv(plain, fields, options.mapping)
    names, changes = options.names, options.changes
    if options.has_header:
        titles: Sequence[str] = fields
        columns: Sequence[str] = name_columns(fields, names)
        named = any(columns)
    else:
        if names.renamed:
            raise ColumnsInvalid("without a header, --columns lists the columns in order")
        titles = names.ordered or [f"column_{number}" for number in range(1, len(fields) + 1)]
        columns = names.ordered or changes.column_order or titles
        named = bool(names.ordered)
    change = _csv_change(columns, delimiter, changes)
    nulls = [*changes.nulls, LONE_NULL] if changes.places else list(changes.nulls)
    header = write_records([[column for column in columns if column]]) if named else b""
    if options.has_header and columns == titles and delimiter == ",":
        header = first + b"\n"
    return replace(
        plain,
        encode=lambda records: (
            header + (change.rewrite(records) if change else b"\n".join(records))
        ),
        params=_csv_params(nulls, len(change.kept) if change else None)
        | ({} if named else {"header": "absent"}),
        titles=titles,
    )


def _map_csv(plain: Layout, titles: Sequence[str], mapping: RowMapping) -> Layout:
    """Return the layout for a mapping.

    CSV has no null that empties a column: where the mapping wants one, rows are sent as JSON.
    """
    as_json = mapping.empty_is_null
    make_encoder = mapping.json_encoder if as_json else mapping.csv_encoder
    return replace(
        plain,
        content_type="application/json" if as_json else plain.content_type,
        params={} if as_json else _csv_params((), len(mapping.columns)),
        encode=make_encoder(titles, plain.delimiter),
        titles=titles,
    )


def _csv_params(nulls: Sequence[str], width: int | None) -> dict[str, str | Sequence[str]]:
    """Return what tells the service which words mean null.

    `width` is the number of fields of records that are written anew.
    """
    words = list(dict.fromkeys([*nulls, LONE_NULL])) if width == 1 else list(nulls)
    return {"null": words} if words else {}


def _csv_change(columns: Sequence[str], delimiter: str, changes: Changes) -> CsvChange | None:
    change = CsvChange(
        delimiter=delimiter,
        width=len(columns),
        kept=[place for place, column in enumerate(columns) if column],
        converters={
            place: convert
            for place, column in enumerate(columns)
            if (convert := changes.places.get(place) or changes.converter(column))
        },
    )
    is_needed = delimiter != "," or change.converters or len(change.kept) < change.width
    return change if is_needed else None


def lay_out_json(options: ReadOptions, *, as_lines: bool) -> Layout:
    """Return the layout of an NDJSON or JSON file; rows are sent as they are unless changed."""
    names, changes, mapping = options.names, options.changes, options.mapping
    if names.ordered:
        raise ColumnsInvalid("JSON rows name their columns: --columns takes pairs (name=column)")
    separator = b"\n" if as_lines else b",\n"
    change = JsonChange(names.renamed, changes.nulls, cache(changes.converter), changes.objects)

    def encode(rows: Sequence[bytes]) -> bytes:
        if mapping:
            rows = [mapping.convert_json(row) for row in rows]
        elif names.renamed or changes.nulls or changes.dates or changes.objects:
            rows = [change.rewrite(row) for row in rows]
        text = separator.join(rows)
        return text + b"\n" if as_lines else b"[%b]" % text

    return Layout(
        format="ndjson" if as_lines else "json",
        content_type="application/x-ndjson" if as_lines else "application/json",
        place="line" if as_lines else "index",
        encode=encode,
    )
