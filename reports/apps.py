"""The `reports` app: report tables, their refreshes, and the pages and addresses that show them."""

from django.apps import AppConfig


class ReportsConfig(AppConfig):
    name = "reports"

    def ready(self) -> None:
        """Register the errors' HTTP statuses and the system checks."""
        from project.http.problems import register_statuses
        from reports import checks  # noqa: F401 - registers itself
        from reports.api.statuses import STATUSES

        register_statuses(STATUSES)
