"""`manage.py partitions`: what the job does for tables partitioned by time."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from backups.runs.partitions import maintain_partitions


class Command(BaseCommand):
    # Django's checks import every view of the service, which takes longer than a small command.
    requires_system_checks = ()
    help = (
        "Make the coming partitions of the tables under datasets.<name>.partitions in "
        "rest_conf.yml, tell what is in default ones, detach old ones that are backed up."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would be done")

    def handle(self, *args: Any, **options: Any) -> None:
        done = maintain_partitions(write=self.stdout.write, dry_run=options["dry_run"])
        self.stdout.write(f"would be done: {done}" if options["dry_run"] else done)
