"""The `metrics` app: the MDS Metrics API."""

from django.apps import AppConfig


class MetricsConfig(AppConfig):
    name = "apis.metrics"
    label = "metrics"
