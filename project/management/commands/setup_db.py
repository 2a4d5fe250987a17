"""`manage.py setup_db`: tables, datasets and roles brought up to date."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection

from project.schema.datasets import set_up_database


class Command(BaseCommand):
    help = "Apply migrations, every dataset in db_setup/ and the database roles."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "datasets", nargs="*", metavar="DATASET", help="only these; without any: all"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        done = set_up_database(
            connection,
            config=settings.CONFIG,
            folder=settings.BASE_DIR / "db_setup",
            secrets_dir=settings.SECRETS_DIR,
            only=options["datasets"],
        )
        for dataset, steps in done.items():
            for step in steps or (["up to date"] if options["verbosity"] else []):
                self.stdout.write(f"{dataset}: {step}")
