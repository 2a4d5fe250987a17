"""manage.py load: send files to the ingest endpoint of a running service."""

import codecs
from argparse import ArgumentTypeError
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from ingest.files.formats import inspect_file
from ingest.files.table_schema import write_schema
from ingest.loaders.client import IngestClient
from ingest.loaders.delivery import IN_FLIGHT, RejectionLimit, Totals
from ingest.loaders.fitting import fit_tables
from ingest.loaders.formats.blocks import STDIN, count_bytes
from ingest.loaders.formats.changes import Changes
from ingest.loaders.formats.columns import ColumnNames, parse_columns
from ingest.loaders.formats.dates import check_pattern
from ingest.loaders.formats.layouts import BATCH_ROWS, ReadOptions
from ingest.loaders.formats.mapping import read_mapping
from ingest.loaders.load import LoadRequest, find_dates, load_files, plan_files
from ingest.loaders.retries import RetryPolicy
from ingest.local_service import read_api_key
from ingest.management.load_command import LoadCommand, add_service_arguments
from project.base.errors import ConfigError, RowhouseError
from project.base.progress import load_progress


class Command(LoadCommand):
    """Load CSV, NDJSON or JSON files of any size, in batches, over HTTP."""

    help = "Load files into a table through the ingest endpoint of a running service."
    # It talks to the service, never to the database.
    requires_system_checks = ()
    target = "table"
    interrupted = "interrupted before anything was sent"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._notes: list[str] = []  # what is done to the files

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options; docs/loaders.md explains each."""
        parser.add_argument(
            "table",
            nargs="?",
            help="employees or hiring.employees; without it, those that fit are told",
        )
        parser.add_argument("files", nargs="+", metavar="FILE", help="a file, or - for stdin")
        _add_service_options(parser)
        _add_file_options(parser)
        _add_load_options(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Load the files, or print the schema that the first of them calls for."""
        table, files = options["table"], options["files"]
        if table and table != STDIN and Path(table).is_file():
            options["table"], options["files"] = None, [table, *files]
        if options["as_schema"]:
            self.stdout.write(_write_schema(options), ending="")
        else:
            super().handle(*args, **options)

    def load(self, options: dict[str, Any]) -> Totals:
        """Load the files."""
        sizes = [count_bytes(path) for path in options["files"]]
        key = options["key"] or _read_key()
        retry = RetryPolicy(retry_for_s=options["retry_for"])
        total = None if None in sizes else sum(filter(None, sizes))
        progress = load_progress(total, is_quiet=options["quiet"])
        client = IngestClient(options["url"], key, retry=retry, on_wait=progress.show_wait)
        with client, progress:
            if not options["table"]:
                raise CommandError(_propose_tables(client, options["files"][0]))
            request = _read_request(client, options)
            plans = plan_files(client, request)
            self._notes = [f"{path}: {note}" for path, plan in plans.items() for note in plan.notes]
            return load_files(client, request, self.watch(progress), plans)

    def describe(self, options: dict[str, Any], totals: Totals, seconds: float) -> str:
        """Return what became of the rows, and how quickly."""
        for note in self._notes:
            self.stdout.write(note)
        dry = " (dry run: nothing was stored)" if options["dry_run"] else ""
        speed = totals.received / max(seconds, 1e-9)
        return f"{totals.describe()}; {seconds:.1f} s, {speed:,.0f} rows/s{dry}"


def _write_schema(options: dict[str, Any]) -> str:
    path = options["files"][0]
    name = (options["table"] or PurePath(path).name.partition(".")[0]).rpartition(".")[2]
    try:
        return write_schema(inspect_file(path), name)
    except (RowhouseError, OSError) as error:
        raise CommandError(str(error)) from error


def _propose_tables(client: IngestClient, path: str) -> str:
    """Return which tables the file fits, in words."""
    names = [column.name for column in inspect_file(path).columns]
    fits = fit_tables(client, names)
    if not fits:
        return f"name a table: none fits {path}; --as-schema prints the schema of one"
    described = " or ".join(fit.describe(len(names)) for fit in fits)
    return f"name a table: {path} fits {described}"


def _read_request(client: IngestClient, options: dict[str, Any]) -> LoadRequest:
    dates = None
    if options["date_format"]:
        check_pattern(options["date_format"])
        columns = client.describe_table(options["table"]).columns
        dates = find_dates(columns, options["date_format"])
    mapping = None
    if options["mapping"]:
        if options["columns"] != ColumnNames() or options["no_header"]:
            raise CommandError("--mapping is instead of --columns and --no-header")
        if options["date_format"] or options["null"]:
            raise CommandError("with --mapping, the mapping says what dates and nulls look like")
        mapping = read_mapping(options["mapping"])
    params = {"on_conflict": options["on_conflict"]}
    if options["conflict_key"]:
        params["conflict_key"] = options["conflict_key"]
    if options["extra"] != "reject":
        params["extra"] = options["extra"]
    if options["dry_run"]:
        params["dry_run"] = "true"
    return LoadRequest(
        table=options["table"],
        files=options["files"],
        options=ReadOptions(
            format=options["format"],
            delimiter=options["delimiter"],
            encoding=options["encoding"],
            has_header=not options["no_header"],
            names=options["columns"],
            changes=Changes(nulls=tuple(options["null"]), dates=dates),
            mapping=mapping,
            sheet=options["sheet"],
            decimal=options["decimal"],
            batch_rows=options["batch_size"],
        ),
        params=params,
        in_flight=options["in_flight"],
        rejects=options["rejects"],
        limit=options["max_rejected"],
        inspects=True,
    )


def _read_key() -> str:
    try:
        return read_api_key()
    except ConfigError as error:
        message = f"give --key: there is no API key in {settings.API_KEY_FILE}"
        raise CommandError(message) from error


def _add_service_options(parser: CommandParser) -> None:
    add_service_arguments(parser)
    parser.add_argument(
        "--retry-for",
        type=_number(float, 0, 86_400),
        default=300.0,
        metavar="SECONDS",
        help="how long a batch is tried before the load fails (default: %(default)g)",
    )
    parser.add_argument(
        "--in-flight",
        type=_number(int, 1, 64),
        default=IN_FLIGHT,
        metavar="N",
        help="requests at the same time (default: %(default)s)",
    )


def _add_file_options(parser: CommandParser) -> None:
    parser.add_argument(
        "--format", choices=["csv", "ndjson", "json"], help="default: what the name says"
    )
    parser.add_argument(
        "--encoding",
        type=_encoding,
        help="of the files: utf-16, cp1252 … (default: UTF-8, or what a mark tells)",
    )
    parser.add_argument(
        "--no-header", action="store_true", help="the first line of a CSV file is a row"
    )
    parser.add_argument(
        "--delimiter",
        type=_delimiter,
        metavar="CHARACTER",
        help="between CSV fields; tab for a tab",
    )
    parser.add_argument(
        "--columns",
        type=_columns,
        default=ColumnNames(),
        help="the fields' columns in order (a,b,c), or by the fields' names (name=a,other=b); "
        "a field with no column (other=) is left out",
    )
    parser.add_argument(
        "--mapping",
        type=Path,
        metavar="FILE",
        help="a YAML file that says what each column is made of",
    )
    parser.add_argument(
        "--date-format",
        metavar="PATTERN",
        help="of dates in the file, as in strptime: %%m/%%d/%%Y %%I:%%M:%%S %%p",
    )
    parser.add_argument("--sheet", metavar="NAME", help="of a spreadsheet (default: the first one)")
    parser.add_argument(
        "--decimal",
        choices=[".", ","],
        help="the decimal mark of numbers in a CSV file, where the file does not tell it",
    )
    parser.add_argument(
        "--null",
        action="append",
        default=[],
        metavar="TEXT",
        help="this text means null, in CSV where it stands without quotes; may be given again",
    )


def _add_load_options(parser: CommandParser) -> None:
    parser.add_argument(
        "--on-conflict",
        choices=["reject", "ignore", "update"],
        default="reject",
        help="what to do with a row whose key is there already (default: %(default)s)",
    )
    parser.add_argument(
        "--conflict-key",
        metavar="KEY",
        help="the key, by its name or columns (a,b), that a row may have in common",
    )
    parser.add_argument(
        "--extra",
        choices=["reject", "ignore"],
        default="reject",
        help="what to do with a field that is no column (default: %(default)s its row)",
    )
    parser.add_argument(
        "--batch-size",
        type=_number(int, 1, BATCH_ROWS),
        default=BATCH_ROWS,
        metavar="ROWS",
        help="rows of one request (default, and the most: %(default)s)",
    )
    parser.add_argument(
        "--as-schema",
        action="store_true",
        help="load nothing: print the CREATE TABLE that the file calls for",
    )
    parser.add_argument(
        "--max-rejected",
        type=_rejection_limit,
        metavar="N|P%",
        help="end the load when more rows are rejected: a number, or a share of 1000 rows and more",
    )
    parser.add_argument("--dry-run", action="store_true", help="check every row, store none")
    parser.add_argument(
        "--rejects", type=Path, metavar="FILE", help="write rejected rows and their reasons here"
    )
    parser.add_argument("--quiet", action="store_true", help="say nothing but errors")


def _columns(text: str) -> ColumnNames:
    try:
        return parse_columns(text)
    except RowhouseError as error:
        raise ArgumentTypeError(error.message) from error


def _encoding(name: str) -> str:
    try:
        "".encode(name)
        codecs.getincrementaldecoder(name)
    except LookupError as error:
        raise ArgumentTypeError(f"there is no text encoding {name!r}") from error
    return name


def _delimiter(text: str) -> str:
    character = {"tab": "\t", "\\t": "\t"}.get(text.lower(), text)
    if len(character) != 1 or not character.isascii() or character in '"\r\n':
        raise ArgumentTypeError("a delimiter is one ASCII character, and no quote")
    return character


def _number(kind: Callable[[str], Any], least: int, most: int) -> Callable[[str], Any]:
    """Return an argument type: a number between two others."""

    def convert(text: str) -> Any:
        number = kind(text)
        if not least <= number <= most:
            raise ArgumentTypeError(f"must be from {least} to {most}")
        return number

    convert.__name__ = kind.__name__  # argparse names it: "invalid int value"
    return convert


def _rejection_limit(text: str) -> RejectionLimit:
    try:
        if text.endswith("%"):
            return RejectionLimit(percent=_number(float, 0, 100)(text[:-1]))
        return RejectionLimit(rows=_number(int, 0, 10**12)(text))
    except ValueError as error:
        raise ArgumentTypeError("a number of rows, or a share such as 5%") from error
