"""`manage.py expire_backups`: remove the backups that no rule keeps, or tell which and why."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from backups.runs.runs import apply_retention, plan_retention


class Command(BaseCommand):
    requires_system_checks = ()
    help = "Remove the backups that no rule of backups.keep in rest_conf.yml keeps."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would be done")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["dry_run"]:
            for name in apply_retention():
                self.stdout.write(f"removed {name}")
            return
        for one in plan_retention():
            verb = "keep" if one.reasons else "remove"
            reasons = ", ".join(one.reasons) or "no rule of backups.keep keeps it"
            self.stdout.write(f"{verb} {one.backup.folder.name}: {reasons}")
