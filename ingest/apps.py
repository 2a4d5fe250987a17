"""The `ingest` app: batches, rejections and idempotency keys."""

from django.apps import AppConfig


class IngestConfig(AppConfig):
    name = "ingest"
