"""The `reports` app: report tables, their refreshes, and the pages and addresses that show them."""

from django.apps import AppConfig


class ReportsConfig(AppConfig):
    name = "reports"

    def ready(self) -> None:
        """Register the system checks."""
        from reports import checks  # noqa: F401 - registers itself
