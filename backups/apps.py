"""The `backups` app: Avro backups, their checks and restores."""

from django.apps import AppConfig


class BackupsConfig(AppConfig):
    name = "backups"
