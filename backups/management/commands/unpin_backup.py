"""`manage.py unpin_backup`: have the rules of retention decide about a backup again."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from backups.store.archive import find_backup


class Command(BaseCommand):
    requires_system_checks = ()
    help = "Have the rules of backups.keep decide again how long a pinned backup stays."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", metavar="RUN", help="the backup's id or folder name")

    def handle(self, *args: Any, **options: Any) -> None:
        backup = find_backup(options["run"])
        backup.unpin()
        self.stdout.write(f"{backup.folder.name} is not pinned any more")
