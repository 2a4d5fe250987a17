"""The `metrics` app: the MDS Metrics API."""

from http import HTTPStatus

from django.apps import AppConfig


class MetricsConfig(AppConfig):
    name = "apis.metrics"
    label = "metrics"

    def ready(self) -> None:
        """Register the errors' HTTP statuses."""
        from apis.metrics.errors import ResultUnknown
        from project.http.problems import register_statuses

        register_statuses({ResultUnknown: HTTPStatus.NOT_FOUND})
