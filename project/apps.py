"""The `project` app: API keys and the management commands that run the service."""

from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import pre_migrate


def create_service_schema(using: str, **kwargs: Any) -> None:
    """Make the schema that Rowhouse's own tables live in, before the first migration."""
    with connections[using].cursor() as cursor:
        cursor.execute("CREATE SCHEMA IF NOT EXISTS service")


class ProjectConfig(AppConfig):
    name = "project"
    verbose_name = "Keys and jobs"

    def ready(self) -> None:
        """Have the schema made whenever migrations are about to run."""
        from project.jobs import checks  # noqa: F401 - registers itself

        pre_migrate.connect(create_service_schema, sender=self)
