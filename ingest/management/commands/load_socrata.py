"""manage.py load_socrata: load what changed in a Socrata dataset through the ingest endpoint."""

from argparse import ArgumentTypeError
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandParser

from ingest.loaders.client import IngestClient
from ingest.loaders.delivery import Totals
from ingest.loaders.socrata.load import LoadOptions, Observer, load_dataset
from ingest.loaders.socrata.sources import open_client
from ingest.local_service import read_api_key
from ingest.management.load_command import LoadCommand, add_service_arguments
from project.base.progress import load_progress


class Command(LoadCommand):
    """Load a configured dataset: what changed since the last load, or since a moment."""

    help = "Load what changed in a Socrata dataset; a load that was stopped goes on where it was."
    target = "dataset"
    interrupted = "interrupted; the next load goes on here"

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
        add_service_arguments(parser)
        parser.add_argument("--quiet", action="store_true", help="say nothing but errors")

    def load(self, options: dict[str, Any]) -> Totals:
        """Load the dataset."""
        wanted = LoadOptions(
            name=options["dataset"],
            since_modified=options["since_modified"],
            since_created=options["since_created"],
            restart=options["restart"],
        )
        progress = load_progress(None, is_quiet=options["quiet"])
        observer = Observer(on_total=progress.expect, on_receipt=self.watch(progress))
        key = options["key"] or read_api_key()
        client = IngestClient(options["url"], key, on_wait=progress.show_wait)
        with open_client(wanted.name, on_wait=progress.show_wait) as soda, client, progress:
            return load_dataset(soda, client, wanted, observer)


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
