"""Files loaded from first to last byte: checked, read, delivered, their rejects written."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from ingest.files.sample import FileDamaged, Sample, read_sample
from ingest.files.spreadsheets import open_sheet, sample_sheet
from ingest.loaders.client import IngestClient, ServiceRefused
from ingest.loaders.delivery import (
    IN_FLIGHT,
    OnReceipt,
    RejectionLimit,
    Totals,
    load_batches,
)
from ingest.loaders.formats.blocks import STDIN, count_bytes
from ingest.loaders.formats.changes import Dates
from ingest.loaders.formats.dates import DateKind
from ingest.loaders.formats.files import Batch, detect_format, inspect_file, read_batches
from ingest.loaders.formats.layouts import Layout, ReadOptions
from ingest.loaders.formats.plans import FilePlan, plan_csv, plan_json
from ingest.loaders.order import read_order
from ingest.loaders.rejects import RejectsFile
from ingest.loaders.responses import ColumnDescription, Receipt
from project.base.errors import RowhouseError


class FilesUnfit(RowhouseError):
    """The files cannot be loaded together, or not with these options."""

    code = "files_unfit"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRequest:
    """What is to be loaded, and how."""

    table: str
    files: Sequence[str]
    options: ReadOptions = field(default_factory=ReadOptions)
    params: Mapping[str, str] = field(default_factory=dict)
    in_flight: int = IN_FLIGHT
    rejects: Path | None = None
    limit: RejectionLimit | None = None
    inspects: bool = False  # whether CSV files are read as an inspection says


def plan_files(client: IngestClient, request: LoadRequest) -> dict[str, FilePlan]:
    """Return how each CSV file is to be read; raise what cannot be told without an option.

    Pipes are read as the options say, and so is a file that cannot be decompressed: the rows before
    the damage are loaded. Where the key may not read the table's columns nothing is converted.
    """
    check_paths(request)
    plans: dict[str, FilePlan] = {}
    columns: dict[str, str] | None = None
    for path in request.files if request.inspects else ():
        if not count_bytes(path):
            continue
        try:
            sample = _read_sample(path, request.options)
        except FileDamaged:
            continue
        if columns is None:
            columns = read_columns(client, request.table)
        plan = _plan_file(path, sample, request.options, columns)
        if plan:
            plans[path] = plan
    return plans


def _read_sample(path: str, options: ReadOptions) -> Sample:
    if detect_format(path, options) == "sheet":
        return sample_sheet(open_sheet(path, options.sheet))
    return read_sample(path, options.encoding)


def _plan_file(
    path: str, sample: Sample, options: ReadOptions, columns: Mapping[str, str]
) -> FilePlan | None:
    if not sample.head.strip():
        return None
    format_name = detect_format(path, options)
    if format_name == "sheet":
        return plan_csv(path, sample, replace(options, delimiter=","), columns)
    if format_name == "csv":
        return plan_csv(path, sample, options, columns)
    return plan_json(sample, options, columns)


def read_columns(client: IngestClient, table: str) -> dict[str, str]:
    """Return the types of the columns that rows may bring; none where the key may not read them."""
    try:
        described = client.describe_table(table).columns
    except ServiceRefused:
        return {}
    return {column.name: column.type for column in described if not column.read_only}


def load_files(
    client: IngestClient,
    request: LoadRequest,
    on_receipt: OnReceipt | None = None,
    plans: Mapping[str, FilePlan] | None = None,
) -> Totals:
    """Load the files one after another and return the totals; `plans` are those of `plan_files`.

    Nothing is sent unless every file can be opened and fits the options. Raises OSError and
    Rowhouse's errors, `LoadStopped` once rows have been sent.
    """
    plans = plans or {}
    check_files(request, plans)
    with ExitStack() as stack:
        rejects = None
        if request.rejects:
            names_files = len(request.files) > 1
            rejects = stack.enter_context(RejectsFile(request.rejects, names_files=names_files))

        def take_receipt(batch: Batch, receipt: Receipt) -> None:
            if rejects:
                rejects.add(batch, receipt)
            if on_receipt:
                on_receipt(batch, receipt)

        return load_batches(
            client,
            request.table,
            chain.from_iterable(
                read_batches(path, request.options, plans.get(path)) for path in request.files
            ),
            read_order(client, request.table),
            params=request.params,
            in_flight=request.in_flight,
            on_receipt=take_receipt,
            limit=request.limit,
        )


def check_paths(request: LoadRequest) -> None:
    """Raise what keeps the files from being loaded, as far as their names tell."""
    if STDIN in request.files and len(request.files) > 1:
        raise FilesUnfit("stdin (-) is loaded alone")
    for path in request.files:
        if path != STDIN and Path(path).is_dir():
            raise FilesUnfit(f"{path} is a folder")
        if (
            detect_format(path, request.options) in {"json", "ndjson"}
            and not request.options.has_header
        ):
            raise FilesUnfit("--no-header is for CSV")


def check_files(request: LoadRequest, plans: Mapping[str, FilePlan]) -> None:
    """Raise what keeps the files from being loaded, as far as can be told without sending.

    Pipes are not opened: what is read from them is gone.
    """
    check_paths(request)
    layouts = [
        inspect_file(path, request.options, plans.get(path))
        for path in request.files
        if count_bytes(path) is not None
    ]
    if request.rejects:
        _check_rejects(request.rejects, request.files, layouts)


def _check_rejects(rejects: Path, files: Sequence[str], layouts: Sequence[Layout]) -> None:
    shapes = {(layout.format == "csv", tuple(layout.titles)) for layout in layouts}
    if len(shapes) > 1:
        raise FilesUnfit("files with different fields need a rejects file each: load them apart")
    others = [path for path in files if path != STDIN]
    if rejects.exists() and any(rejects.samefile(path) for path in others):
        raise FilesUnfit(f"{rejects} is one of the files to be loaded")


def find_dates(columns: Sequence[ColumnDescription], pattern: str) -> Dates:
    """Return which of a table's columns hold dates written in this pattern."""
    return Dates(pattern, {column.name: _date_kind(column.type) for column in columns})


def _date_kind(type_name: str) -> DateKind | None:
    if type_name == "date":
        return "date"
    return "timestamp" if type_name.startswith("timestamp") else None
