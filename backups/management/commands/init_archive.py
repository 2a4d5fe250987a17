"""`manage.py init_archive`: mark the folder of the backups as the one that is meant."""

from typing import Any

from django.core.management.base import BaseCommand

from backups.store.archive import mark_archive


class Command(BaseCommand):
    requires_system_checks = ()
    help = (
        "Make the folder of the backups with its marker, without which no backup is written: "
        "once for each folder, while its disk is mounted."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{mark_archive()} is the archive of backups")
