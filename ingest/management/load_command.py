"""What the commands that load rows through the ingest endpoint have in common."""

import sys
import time
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ingest.loaders.delivery import LoadStopped, OnReceipt, Totals
from ingest.loaders.formats.files import Batch
from ingest.loaders.rejects import FirstReasons
from ingest.loaders.responses import Receipt
from ingest.local_service import service_address
from ingest.outcome import SOME_REJECTED
from project.base.errors import RowhouseError
from project.base.progress import ProgressBar


class LoadCommand(BaseCommand):
    """Loads rows; exits with 0 when all were stored, 3 when some were rejected, 1 on failure."""

    target: ClassVar[str]  # the option that names what is loaded
    interrupted: ClassVar[str]  # what an interrupt means that comes before the first batch

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._reasons = FirstReasons()

    def load(self, options: dict[str, Any]) -> Totals:
        """Load and return the totals; raise Rowhouse's errors or OSError."""
        raise NotImplementedError

    def describe(self, options: dict[str, Any], totals: Totals, seconds: float) -> str:
        """Return what became of the rows."""
        return totals.describe()

    def handle(self, *args: Any, **options: Any) -> None:
        """Load, and print what became of the rows, also when the load stops."""
        started_at = time.monotonic()
        try:
            totals = self.load(options)
        except LoadStopped as error:
            self._summarize(options, error.totals, started_at)
            raise CommandError(str(error)) from error
        except (RowhouseError, OSError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError(self.interrupted) from error
        self._summarize(options, totals, started_at)
        if totals.rejected:
            sys.exit(SOME_REJECTED)

    def watch(self, progress: ProgressBar) -> OnReceipt:
        """Return what moves the bar on with each receipt and keeps the first reasons."""

        def take_receipt(batch: Batch, receipt: Receipt) -> None:
            progress.advance(batch.steps, rows=receipt.received, rejected=receipt.rejected)
            self._reasons.add(batch, receipt)

        return take_receipt

    def _summarize(self, options: dict[str, Any], totals: Totals, started_at: float) -> None:
        if options["quiet"]:
            return
        if not options.get("rejects"):
            self._show_reasons(totals)
        words = self.describe(options, totals, time.monotonic() - started_at)
        self.stdout.write(f"{options[self.target]}: {words}")

    def _show_reasons(self, totals: Totals) -> None:
        for line in self._reasons.lines:
            self.stderr.write(line)
        more = totals.rejected - len(self._reasons.lines)
        if more > 0:
            self.stderr.write(f"… and {more:,} more: GET /api/rejections has them all")


def add_service_arguments(parser: CommandParser) -> None:
    """Declare which service is loaded into."""
    parser.add_argument(
        "--url", default=service_address(), help="address of the service (default: %(default)s)"
    )
    parser.add_argument("--key", help="API key (default: the one in the data folder)")
