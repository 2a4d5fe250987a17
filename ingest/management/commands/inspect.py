"""manage.py inspect: what files are, before they are loaded."""

from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError, CommandParser

from ingest.files.formats import inspect_file
from ingest.files.report import describe
from project.base.errors import RowhouseError


class Command(BaseCommand):
    """Says how files are written, what their columns are, and what is wrong with which lines."""

    help = "Say what files are: format, dialect, header, columns, types, and what is wrong."
    # It reads files alone, never the database.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("files", nargs="+", metavar="FILE")
        parser.add_argument("--json", action="store_true", help="as JSON: an object for each line")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print an inspection of each file."""
        for path in options["files"]:
            try:
                inspection = inspect_file(path)
            except (RowhouseError, OSError) as error:
                raise CommandError(f"{path}: {error}") from error
            text = msgspec.json.encode(inspection).decode() if options["json"] else None
            self.stdout.write(text or describe(inspection))
