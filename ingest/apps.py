"""The `ingest` app: batches, rejections and idempotency keys."""

from django.apps import AppConfig


class IngestConfig(AppConfig):
    name = "ingest"

    def ready(self) -> None:
        """Say which HTTP status answers which error."""
        from ingest.api.statuses import STATUSES
        from project.http.problems import register_statuses

        register_statuses(STATUSES)
