"""`manage.py list_backups`: which backups there are, and how good they are known to be."""

from typing import IO, Any, cast

from django.core.management.base import BaseCommand
from rich.console import Console
from rich.table import Table

from backups.errors import BackupDamaged
from backups.runs.record import mark_dead_runs
from backups.runs.status import read_proofs
from backups.store.archive import is_in_future, list_backups
from backups.store.manifest import Manifest
from backups.store.origin import is_signed


class Command(BaseCommand):
    # Django's checks import every view of the service, which takes longer than a small command.
    requires_system_checks = ()
    help = "List the backups, newest first."

    def handle(self, *args: Any, **options: Any) -> None:
        mark_dead_runs()
        table = Table(
            *("id", "taken", "tables", "rows", "MB", "signed", "pinned", "last proven restorable")
        )
        for backup, proven_at in read_proofs(list_backups()).items():
            proven = f"{proven_at:%Y-%m-%d %H:%M}" if proven_at else "never"
            taken = f"{backup.taken_at:%Y-%m-%d %H:%M:%S}"
            pinned = "yes" if backup.is_pinned else ""
            if is_in_future(backup.taken_at):
                taken += " IN THE FUTURE"
            try:
                sealed = backup.read_sealed()
            except BackupDamaged as error:
                damage = f"DAMAGED: {error.message}"
                table.add_row(str(backup.id), taken, "", "", "", "", pinned, damage)
                continue
            manifest = sealed.manifest
            tables = f"{len(manifest.tables)}{_describe_choice(manifest)}"
            size_mb = f"{manifest.bytes / 1e6:.1f}"
            signed = "yes" if is_signed(sealed) else "NO"
            table.add_row(
                *(str(backup.id), taken, tables, str(manifest.rows), size_mb, signed),
                *(pinned, proven),
            )
        Console(file=cast("IO[str]", self.stdout), width=150, highlight=False).print(table)


def _describe_choice(manifest: Manifest) -> str:
    if manifest.failures:
        return f" (INCOMPLETE: {', '.join(manifest.failures)} missing)"
    return "" if manifest.complete else " (chosen)"
