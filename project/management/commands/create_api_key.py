"""`manage.py create_api_key`: a key for a client, shown once."""

from argparse import ArgumentTypeError
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from project.http.access.make_key import make_key
from project.models import Scope


class Command(BaseCommand):
    # Django's checks import every view of the service, which takes longer than a small command.
    requires_system_checks = ()
    help = "Make an API key and print it: it is not kept and cannot be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("name", help="whose key it is, for people")
        parser.add_argument(
            "--scope",
            action="append",
            required=True,
            choices=Scope.values,
            help="what it may do; repeat for several",
        )
        parser.add_argument(
            "--table",
            action="append",
            default=[],
            metavar="DATASET[.TABLE]",
            help="limit ingest to this dataset or table; repeat for several",
        )
        parser.add_argument(
            "--expires",
            type=_parse_moment,
            metavar="TIME",
            help="2027-01-31 or 2027-01-31T17:00:00+01:00; without: never",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the key; print it alone, so that a script can take it."""
        secret = make_key(
            options["name"],
            scopes=options["scope"],
            tables=options["table"],
            expires=options["expires"],
            datasets=settings.CONFIG.datasets,
        )
        self.stdout.write(secret)


def _parse_moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError("a date or time as in ISO 8601") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
