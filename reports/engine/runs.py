"""Records of refreshes that are old enough to go."""

from datetime import UTC, datetime, timedelta

from reports.models import ReportRun

KEPT = timedelta(days=90)


def forget_report_runs() -> str:
    """Delete the records of refreshes that are older than 90 days."""
    deleted, _ = ReportRun.objects.filter(started_at__lt=datetime.now(UTC) - KEPT).delete()
    return f"{deleted} forgotten"
