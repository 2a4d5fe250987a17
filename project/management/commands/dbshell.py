"""`manage.py dbshell`: psql on Rowhouse's database, from the wheel that brings the server."""

from typing import Any

from django.core.management.commands import dbshell
from django.db.backends.postgresql.client import DatabaseClient

from project.server.postgres.cluster import program


class Command(dbshell.Command):
    """Django's own command with a psql that is always there."""

    def handle(self, **options: Any) -> None:
        """Become psql."""
        DatabaseClient.executable_name = str(program("psql"))
        super().handle(**options)
