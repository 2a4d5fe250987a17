"""`manage.py refresh_covid`: bring what the COVID data API reads up to date."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apis.covid.refresh.refresh import refresh_api, refresh_everything
from project.base.errors import RowhouseError


class Command(BaseCommand):
    help = "Compute what the COVID data API publishes and its CSV files, where something changed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--force", action="store_true", help="also where nothing changed")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["force"]:
                refresh_api(force=True)
            self.stdout.write(refresh_everything())
        except RowhouseError as error:
            raise CommandError(error.message) from error
