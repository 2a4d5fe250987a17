"""`manage.py refresh_reports`: bring report tables up to date."""

import sys
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from project.base.errors import RowhouseError
from reports.engine.refresh import record_failure
from reports.engine.registry import find_report, find_reports
from reports.engine.report_table import refresh_report


class Command(BaseCommand):
    help = "Refresh the report tables whose sources or definition changed. Exits 1 if one fails."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("reports", nargs="*", metavar="REPORT", help="only these")
        parser.add_argument("--force", action="store_true", help="refresh unchanged ones too")

    def handle(self, *args: Any, **options: Any) -> None:
        started_at = datetime.now(UTC)
        known = find_reports()
        failed = False
        for name in options["reports"] or sorted([*known.found, *known.broken]):
            try:
                refreshed = refresh_report(find_report(name), force=options["force"])
            except RowhouseError as error:
                failed = True
                if name in known.broken:
                    record_failure(name, error.message, started_at, [])
                self.stderr.write(f"{name}: {error.message}")
            else:
                self.stdout.write(
                    f"{name}: {refreshed.outcome}, {refreshed.rows} rows, "
                    f"{refreshed.duration_ms:.0f} ms"
                )
        if failed:
            sys.exit(1)
