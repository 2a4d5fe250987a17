"""`manage.py pin_backup`: keep a backup whatever the rules of retention say."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from backups.store.archive import find_backup
from backups.store.folder import Backup


class Command(BaseCommand):
    requires_system_checks = ()
    help = "Keep a backup until it is unpinned: it is never expired."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", metavar="RUN", help="the backup's id or folder name")

    def handle(self, *args: Any, **options: Any) -> None:
        backup = find_backup(options["run"])
        self.stdout.write(f"{backup.folder.name} {self.change(backup)}")

    def change(self, backup: Backup) -> str:
        """Pin the backup; return what it is now."""
        backup.pin()
        return "is pinned"
