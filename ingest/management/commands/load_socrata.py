"""manage.py load_socrata: load what changed in a Socrata dataset through the ingest endpoint."""

import sys
from argparse import ArgumentTypeError
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ingest.loaders.client import IngestClient
from ingest.loaders.delivery import LoadStopped, Totals
from ingest.loaders.progress import LoadProgress
from ingest.loaders.socrata.daily import describe, read_api_key, service_address
from ingest.loaders.socrata.load import LoadOrder, Watcher, load_dataset
from ingest.loaders.socrata.sources import open_client
from project.base.errors import RowhouseError

SOME_REJECTED = 3


class Command(BaseCommand):
    """Load a configured dataset: what changed since the last load, or since a moment."""

    help = "Load what changed in a Socrata dataset; a load that was stopped goes on where it was."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options; docs/socrata.md explains each."""
        parser.add_argument("dataset", help="its name under socrata.datasets in rest_conf.yml")
        since = parser.add_mutually_exclusive_group()
        since.add_argument(
            "--since-modified", type=_zoned, metavar="MOMENT", help="what was modified since (UTC)"
        )
        since.add_argument(
            "--since-created",
            type=_floating,
            metavar="MOMENT",
            help="what was created since, in the dataset's own time; later loads keep to it",
        )
        parser.add_argument(
            "--restart", action="store_true", help="do not finish a load that was stopped"
        )
        parser.add_argument(
            "--url",
            default=service_address(),
            help="address of the service (default: %(default)s)",
        )
        parser.add_argument("--key", help="API key (default: the one in the data folder)")
        parser.add_argument("--quiet", action="store_true", help="say nothing but errors")

    def handle(self, *args: Any, **options: Any) -> None:
        """Load; exit 0 when all rows were stored, 3 when some were rejected."""
        try:
            totals = self._load(options)
        except RowhouseError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError("interrupted; the next load goes on here") from error
        if totals.rejected:
            sys.exit(SOME_REJECTED)

    def _load(self, options: dict[str, Any]) -> Totals:
        order = LoadOrder(
            name=options["dataset"],
            since_modified=options["since_modified"],
            since_created=options["since_created"],
            restart=options["restart"],
        )
        progress = LoadProgress([None], is_quiet=options["quiet"])
        watcher = Watcher(on_total=progress.expect, on_receipt=progress.show_receipt)
        client = IngestClient(
            options["url"], options["key"] or read_api_key(), on_wait=progress.show_wait
        )
        try:
            with open_client(order.name, on_wait=progress.show_wait) as soda, client, progress:
                totals = load_dataset(soda, client, order, watcher)
        except LoadStopped as error:
            self._summarize(options, error.totals)
            raise
        self._summarize(options, totals)
        return totals

    def _summarize(self, options: dict[str, Any], totals: Totals) -> None:
        if not options["quiet"]:
            self.stdout.write(f"{options['dataset']}: {describe(totals)}")


def _floating(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError("write it as 2024-01-31 or 2024-01-31T08:00:00") from error
    if moment.tzinfo:
        raise ArgumentTypeError("the dataset's own time has no offset")
    return moment


def _zoned(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError("write it as 2024-01-31 or 2024-01-31T08:00:00Z") from error
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
