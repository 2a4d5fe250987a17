"""A system check: rest_conf.yml names only reports that exist."""

from typing import Any

from django.conf import settings
from django.core.checks import Error, register

from reports.engine.registry import find_reports


@register()
def check_reports(**kwargs: Any) -> list[Error]:
    """Compare `reports.definitions` with the report files, and read these."""
    reports = find_reports()
    unknown = set(settings.CONFIG.reports.definitions) - set(reports.found) - set(reports.broken)
    errors = [
        Error(f"rest_conf.yml: reports.definitions.{name}: no such report", id="reports.E001")
        for name in sorted(unknown)
    ]
    return errors + [
        Error(error.message, id="reports.E002")
        for error in reports.broken.values()
        if "key_path" in error.fields
    ]
