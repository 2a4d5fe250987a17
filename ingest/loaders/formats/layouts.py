"""How the rows of one file become the bodies of requests."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from ingest.loaders.formats.changes import Changes, CsvChange, JsonChange
from ingest.loaders.formats.columns import ColumnNames, ColumnsInvalid, name_columns
from ingest.loaders.formats.csv_rows import parse_records, write_records
from ingest.loaders.formats.mapping import RowMapping

FormatName = Literal["csv", "ndjson", "json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What all batches of one file have in common."""

    format: FormatName
    content_type: str
    place: Literal["line", "index"]  # what the places of rows count
    encode: Callable[[Sequence[bytes]], bytes]
    params: Mapping[str, str] = field(default_factory=dict)
    titles: Sequence[str] = ()  # of a CSV file's fields
    delimiter: str = ","


def lay_out_csv(
    first: bytes | None, *, has_header: bool, delimiter: str, names: ColumnNames, changes: Changes
) -> Layout:
    """Return the layout of a CSV file with this first record (None: the file is empty).

    The record is the header, unless the file has none. Records are sent as they are unless a value
    has to change or the delimiter is not a comma.
    """
    if first is None:
        return Layout(format="csv", content_type="text/csv", place="line", encode=b"".join)
    (fields,) = parse_records([first], delimiter)
    if has_header:
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
    header = write_records([[column for column in columns if column]]) if named else b""
    if has_header and columns == titles and delimiter == ",":
        header = first + b"\n"
    return Layout(
        format="csv",
        content_type="text/csv",
        place="line",
        encode=lambda records: (
            header + (change.rewrite(records) if change else b"\n".join(records))
        ),
        params={} if named else {"header": "absent"},
        titles=titles,
        delimiter=delimiter,
    )


def _csv_change(columns: Sequence[str], delimiter: str, changes: Changes) -> CsvChange | None:
    change = CsvChange(
        delimiter=delimiter,
        width=len(columns),
        kept=[place for place, column in enumerate(columns) if column],
        null=changes.null,
        converters=changes.converters(columns),
    )
    is_needed = (
        delimiter != ","
        or change.null is not None
        or change.converters
        or len(change.kept) < change.width
    )
    return change if is_needed else None


def lay_out_json(
    *,
    as_lines: bool,
    names: ColumnNames = ColumnNames(),  # noqa: B008 - frozen
    changes: Changes = Changes(),  # noqa: B008 - frozen
) -> Layout:
    """Return the layout of an NDJSON or JSON file; rows are sent as they are unless changed."""
    if names.ordered:
        raise ColumnsInvalid("JSON rows name their columns: --columns takes pairs (name=column)")
    separator = b"\n" if as_lines else b",\n"
    change = JsonChange(renamed=names.renamed, changes=changes)

    def encode(rows: Sequence[bytes]) -> bytes:
        if names.renamed or changes.null is not None or changes.dates:
            rows = [change.rewrite(row) for row in rows]
        text = separator.join(rows)
        return text + b"\n" if as_lines else b"[%b]" % text

    return Layout(
        format="ndjson" if as_lines else "json",
        content_type="application/x-ndjson" if as_lines else "application/json",
        place="line" if as_lines else "index",
        encode=encode,
    )


def lay_out_mapped_csv(first: bytes | None, *, delimiter: str, mapping: RowMapping) -> Layout:
    """Return the layout of a CSV file whose header is this record, for a mapping.

    CSV has no null that empties a column: where the mapping wants one, rows are sent as JSON.
    """
    titles = next(parse_records([first], delimiter)) if first is not None else []
    as_json = mapping.empty_is_null and titles
    make_encoder = mapping.json_encoder if as_json else mapping.csv_encoder
    return Layout(
        format="csv",
        content_type="application/json" if as_json else "text/csv",
        place="line",
        encode=make_encoder(titles, delimiter) if titles else b"".join,
        titles=titles,
        delimiter=delimiter,
    )


def lay_out_mapped_json(*, as_lines: bool, mapping: RowMapping) -> Layout:
    """Return the layout of an NDJSON or JSON file for a mapping."""
    plain = lay_out_json(as_lines=as_lines)

    def encode(rows: Sequence[bytes]) -> bytes:
        return plain.encode([mapping.convert_json(row) for row in rows])

    return replace(plain, encode=encode)
