"""manage.py closure_statistics: the three statistics a 311 office looks at first."""

import csv
import sys
from argparse import ArgumentTypeError
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.table import Table

from ingest.loaders.socrata.client import TIMEOUT_S
from ingest.loaders.socrata.restriction import read_restriction
from ingest.loaders.socrata.service_requests import Row, soda_client
from project.base.database import reader_connection
from project.base.errors import RowhouseError
from reports.closure.statistics import (
    find_weeks_end,
    pull_closed_within_a_day_stats_since_x_weeks,
    pull_daily_closure_statistics_since_x_weeks,
    pull_full_closure_statistics_since_x_weeks,
)
from reports.closure.tallies import check_keys

STATISTICS: dict[str, Callable[..., list[Row]]] = {
    "closure": pull_full_closure_statistics_since_x_weeks,
    "daily": pull_daily_closure_statistics_since_x_weeks,
    "within_a_day": pull_closed_within_a_day_stats_since_x_weeks,
}


class Command(BaseCommand):
    """Show how many requests were closed, after how many days, and within a day."""

    help = "Closure statistics of 311 requests, counted here or at Socrata."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options; docs/socrata.md explains each."""
        parser.add_argument(
            "--weeks",
            type=_weeks,
            default=12,
            help="how many, up to the newest request (default: %(default)s)",
        )
        parser.add_argument(
            "--group-by",
            type=_group,
            default=("agency",),
            metavar="COLUMNS",
            help="such as agency,complaint_type (default: agency)",
        )
        parser.add_argument(
            "--restrict",
            type=_restriction,
            metavar="CONDITIONS",
            help="such as \"agency = 'NYPD'\"",
        )
        parser.add_argument(
            "--arithmetic",
            choices=["calendar", "week_of_year"],
            default="calendar",
            help="how days are counted (default: %(default)s)",
        )
        parser.add_argument(
            "--at-socrata",
            action="store_true",
            help="have Socrata count its own rows instead of the ingested ones",
        )
        parser.add_argument(
            "--timeout", type=float, default=TIMEOUT_S, metavar="SECONDS", help="of one query"
        )
        parser.add_argument("--format", choices=["table", "json"], default="table")
        parser.add_argument(
            "--csv", type=Path, metavar="FOLDER", help="write one CSV file for each statistic here"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Count and show."""
        place = soda_client(None) if options["at_socrata"] else nullcontext(reader_connection())
        try:
            with place as client:
                now = find_weeks_end(client, options["timeout"])
                found = {
                    name: count(
                        options["weeks"],
                        client,
                        options["timeout"],
                        group_key=options["group_by"],
                        restrict_clause=options["restrict"],
                        arithmetic=options["arithmetic"],
                        now=now,
                    )
                    for name, count in STATISTICS.items()
                }
            if options["csv"]:
                _write_files(options["csv"], found)
        except (RowhouseError, OSError) as error:
            raise CommandError(str(error)) from error
        if options["format"] == "json":
            self.stdout.write(msgspec.json.format(msgspec.json.encode(found)).decode())
        elif not options["csv"]:
            _print_tables(found)


def _print_tables(found: dict[str, list[Row]]) -> None:
    console = Console(file=sys.stdout)
    for name, rows in found.items():
        table = Table(title=name.replace("_", " "))
        for column in rows[0] if rows else ("no requests",):
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*map(_show, row.values()))
        console.print(table)


def _write_files(folder: Path, found: dict[str, list[Row]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in found.items():
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]) if rows else [])
            writer.writeheader()
            writer.writerows(rows)


def _show(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _weeks(text: str) -> int:
    weeks = int(text)
    if not 1 <= weeks <= 5200:
        raise ArgumentTypeError("must be from 1 to 5200")
    return weeks


def _group(text: str) -> tuple[str, ...]:
    try:
        return check_keys([name.strip() for name in text.split(",")])
    except RowhouseError as error:
        raise ArgumentTypeError(error.message) from error


def _restriction(text: str) -> Any:
    try:
        return read_restriction(text)
    except RowhouseError as error:
        raise ArgumentTypeError(error.message) from error
