"""`manage.py up`: the whole service in one command."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from ingest.validation.native.library import warn_without_library
from project.demo import choose_datasets, show_demo
from project.http.access.make_key import make_first_key
from project.server.startup import Demo, run_service


class Command(BaseCommand):
    help = "Start the database, bring it up to date, serve, and run the scheduled jobs."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--demo",
            action="store_true",
            help="fill empty tables with sample rows, open to anyone",
        )
        parser.add_argument(
            "--web-only", action="store_true", help="leave the scheduled jobs to another process"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until a signal comes."""
        warn_without_library()
        run_service(
            web_only=options["web_only"],
            make_key=lambda: make_first_key(settings.API_KEY_FILE),
            demo=Demo(choose_datasets, show_demo) if options["demo"] else None,
            say=self._say,
        )

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
