"""The `open311` app: the Open311 Simple API over what was ingested."""

from django.apps import AppConfig


class Open311Config(AppConfig):
    name = "apis.open311"
    label = "open311"

    def ready(self) -> None:
        """Register the errors' HTTP statuses."""
        from apis.open311.errors import STATUSES
        from project.http.problems import register_statuses

        register_statuses(STATUSES)
