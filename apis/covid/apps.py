"""The `covid` app: the versioned data API over COVID-19 figures."""

from django.apps import AppConfig


class CovidConfig(AppConfig):
    name = "apis.covid"
    label = "covid"

    def ready(self) -> None:
        """Register the errors' HTTP statuses."""
        from apis.covid.errors import STATUSES
        from project.http.problems import register_statuses

        register_statuses(STATUSES)
