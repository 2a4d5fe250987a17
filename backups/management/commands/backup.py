"""`manage.py backup`: write every table to Avro files."""

from typing import Any, get_args
from uuid import UUID

from django.core.management.base import BaseCommand, CommandParser

from backups.avro.codecs import Codec
from backups.runs.progress import progress_bar
from backups.runs.runs import execute_run, run_backup


class Command(BaseCommand):
    # Django's checks import every view of the service, which takes longer than a small command.
    requires_system_checks = ()
    help = "Back up every table, or the named ones, to Avro files in backups/archive."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--table", action="append", default=[], metavar="T", help="only this table; repeatable"
        )
        parser.add_argument("--codec", choices=get_args(Codec))
        parser.add_argument(
            "--run", type=UUID, metavar="ID", help="do what a run asks for that the API recorded"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with progress_bar("backup") as progress:
            if options["run"]:
                run = execute_run(options["run"], progress)
            else:
                run = run_backup(tables=options["table"], codec=options["codec"], progress=progress)
        self.stdout.write(f"{run.kind} {run.pk} {run.state}: {run.rows_done} rows {run.folder}")
        for dataset, reason in (run.report or {}).get("definitions_missing", {}).items():
            self.stdout.write(f"  the definitions of {dataset} are missing: {reason}")
