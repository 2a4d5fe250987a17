"""Files read as batches that are ready to be sent."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import PurePath

from ingest.files.spreadsheets import SUFFIXES, open_sheet
from ingest.loaders.formats.blocks import STDIN, SourceFile
from ingest.loaders.formats.columns import ColumnsInvalid
from ingest.loaders.formats.csv_rows import split_csv
from ingest.loaders.formats.foreign_csv import CsvPlan, split_foreign, trim_rows
from ingest.loaders.formats.json_rows import split_json
from ingest.loaders.formats.layouts import (
    BATCH_ROWS,
    FormatName,
    Layout,
    ReadOptions,
    lay_out_csv,
    lay_out_json,
)
from ingest.loaders.formats.ndjson_rows import split_ndjson
from ingest.loaders.formats.plans import FilePlan
from ingest.loaders.formats.rows import FileMalformed, Rows, cut_rows
from project.base.errors import RowhouseError

# Bodies stay well below the service's limit (`ingest.max_bytes`), and as many as are in flight
# below the loader's own memory.
BATCH_BYTES = 2 * 1024 * 1024

UTF_8 = "utf-8-sig"

_FORMATS: dict[str, FormatName] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".json": "json",
}


_PACKED = frozenset({".gz", ".zst", ".bz2", ".xz"})


class FormatUnknown(RowhouseError):
    """The file's name does not tell its format."""

    code = "format_unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Rows of one file, as the body of a request and as they stand in the file."""

    body: bytes
    layout: Layout
    rows: Rows
    file: str
    steps: int  # what it moves a progress bar by: bytes of the file since the batch before

    @property
    def span(self) -> str:
        """Say for people which rows these are."""
        unit = "lines" if self.layout.place == "line" else "rows"
        return f"{self.file}, {unit} {self.rows.places[0]} to {self.rows.places[-1]}"


def read_batches(path: str, options: ReadOptions, plan: FilePlan | None = None) -> Iterator[Batch]:
    """Yield the batches of a file, or of stdin for `-`, in memory that does not grow.

    Raises `FileMalformed` after the batches before the damage.
    """
    with _open(path) as source:
        layout, chunks = _open_rows(source, path, options, plan)
        done = 0
        for rows in cut_rows(chunks, max_rows=options.batch_rows, max_bytes=BATCH_BYTES):
            yield Batch(
                body=layout.encode(rows.texts),
                layout=layout,
                rows=rows,
                file=source.name,
                steps=source.bytes_read - done,
            )
            done = source.bytes_read


def inspect_file(path: str, options: ReadOptions, plan: FilePlan | None = None) -> Layout:
    """Return the layout of a file by its first block; raise what is wrong with it so far."""
    with _open(path) as source:
        return _open_rows(source, path, options, plan)[0]


@contextmanager
def _open(path: str) -> Iterator[SourceFile]:
    """Open a file; say in errors that they are about it."""
    with SourceFile(path) as source:
        try:
            yield source
        except (FileMalformed, ColumnsInvalid) as error:
            raise type(error)(f"{source.name}: {error.message}", **error.fields) from error


def detect_format(path: str, options: ReadOptions) -> FormatName:
    """Return the format that is asked for or that the file's name tells."""
    if options.format:
        return options.format
    suffix = _suffix(path)
    if suffix in SUFFIXES:
        return "sheet"
    if suffix in _FORMATS:
        return _FORMATS[suffix]
    name = "stdin" if path == STDIN else path
    raise FormatUnknown(f"{name}: say with --format whether this is csv, ndjson or json")


def _suffix(path: str) -> str:
    name = PurePath(path.lower())
    return PurePath(name.stem).suffix if name.suffix in _PACKED else name.suffix


def _open_rows(
    source: SourceFile, path: str, options: ReadOptions, plan: FilePlan | None
) -> tuple[Layout, Iterator[Rows]]:
    format_name = detect_format(path, options)
    if plan and plan.renamed:
        names = options.names
        renamed = names.renamed | dict(plan.renamed)
        options = replace(options, names=replace(names, renamed=renamed))
    if plan and plan.csv:
        return _open_planned(source, path, options, plan, plan.csv)
    if plan:
        options = replace(options, changes=replace(options.changes, objects=plan.objects))
    blocks = source.read_blocks(options.encoding or UTF_8)
    if format_name == "sheet":
        return _take_header(_split_sheet(path, options), ",", options)
    if format_name != "csv":
        as_lines = format_name == "ndjson"
        rows = split_ndjson(blocks) if as_lines else split_json(blocks)
        return lay_out_json(options, as_lines=as_lines), rows
    delimiter = options.delimiter or ("\t" if _suffix(path) == ".tsv" else ",")
    return _take_header(split_csv(blocks, delimiter), delimiter, options)


def _take_header(
    chunks: Iterator[Rows], delimiter: str, options: ReadOptions
) -> tuple[Layout, Iterator[Rows]]:
    """Return the layout that the first record tells, and the rows after it, or from it on."""
    first = next((chunk for chunk in chunks if chunk.texts), Rows([], []))
    layout = lay_out_csv(first.texts[0] if first.texts else None, delimiter, options)
    skipped = 1 if options.has_header else 0
    rest = Rows(first.texts[skipped:], first.places[skipped:])
    return layout, chain([rest], chunks)


def _open_planned(
    source: SourceFile, path: str, options: ReadOptions, plan: FilePlan, csv: CsvPlan
) -> tuple[Layout, Iterator[Rows]]:
    """Return layout and rows of a CSV file that is read as its plan says."""
    changes = replace(options.changes, places=plan.conversions)
    options = replace(options, has_header=bool(csv.titles), changes=changes)
    if detect_format(path, options) == "sheet":
        chunks = trim_rows(_split_sheet(path, options), csv)
    else:
        chunks = split_foreign(source.read_blocks(plan.encoding), csv)
    if csv.titles and not csv.has_header:
        return lay_out_csv(csv.header, csv.delimiter, options), chunks
    return _take_header(chunks, csv.delimiter, options)


def _split_sheet(path: str, options: ReadOptions) -> Iterator[Rows]:
    """Yield the rows of a sheet as records of CSV; their places are the sheet's own numbers."""
    rows = open_sheet(path, options.sheet).rows
    number = 1
    while chunk := [",".join(row).encode() for row in islice(rows, BATCH_ROWS)]:
        yield Rows(chunk, range(number, number + len(chunk)))
        number += len(chunk)
