"""`manage.py pgbouncer_config`: the settings and users of a PgBouncer in front of the database."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from project.server.postgres.pgbouncer import write_pooler_files


class Command(BaseCommand):
    help = "Write pgbouncer.ini and its list of users, with Rowhouse's roles, into a folder."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="where the two files go; made if need be")
        parser.add_argument("--port", type=int, default=6432, help="PgBouncer's port (6432)")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = options["folder"].resolve()
        folder.mkdir(parents=True, exist_ok=True)
        ini = write_pooler_files(
            folder,
            settings.DIRECT_DATABASE,
            secrets_dir=settings.SECRETS_DIR,
            port=options["port"],
            separate_roles=settings.CONFIG.database.separate_roles,
        )
        self.stdout.write(f"{ini}: start it with `pgbouncer {ini}`")
