"""`manage.py verify_backup`: prove that a backup is whole, or that it restores."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from backups.runs.progress import progress_bar
from backups.runs.runs import run_drill, run_verify
from backups.store.archive import find_backup, locate_backup
from backups.store.origin import is_signed


class Command(BaseCommand):
    # Django's checks import every view of the service, which takes longer than a small command.
    requires_system_checks = ()
    help = "Check every byte and record of a backup, the newest one unless RUN names another."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", nargs="?", metavar="RUN", help="the backup's id, name or folder")
        parser.add_argument(
            "--restore",
            action="store_true",
            help="also restore every table into a scratch schema and compare the rows",
        )
        parser.add_argument(
            "--trust", action="store_true", help="also a backup that no key of this service signed"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        backup = locate_backup(options["run"]) if options["run"] else find_backup(None)
        verify = run_drill if options["restore"] else run_verify
        with progress_bar("verify") as progress:
            verify(backup, trust=options["trust"], progress=progress)
        words = "restores: every row is the same" if options["restore"] else "is whole"
        origin = "signed" if is_signed(backup.read_sealed()) else "of unknown origin"
        self.stdout.write(f"{backup.folder.name} {words}, {origin}")
