"""Reports and their refreshes in Django's admin, to be read."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from project.http.people.record_admin import ChoiceFilter, RecordAdmin, link_list, link_record
from reports.engine.registry import find_reports
from reports.models import Report, ReportRun


class ReportFilter(ChoiceFilter):
    """The reports that are defined."""

    title = parameter_name = "report"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return their names."""
        return [(name, name) for name in sorted(find_reports().found)]


class _BatchLinkAdmin(RecordAdmin):
    """Records with a last batch."""

    @admin.display(description="last batch")
    def last_batch_link(self, record: Report | ReportRun) -> str:
        """Link to the last batch that is included."""
        return link_record("ingest_batch", record.last_batch)


@admin.register(Report)
class ReportAdmin(_BatchLinkAdmin):
    """The state of each report table, as its last refresh left it."""

    list_display = ("name", "refreshed_at", "checked_at", "rows", "last_batch_link", "last_error")
    fields = (
        *("name", "version", "sources", "refreshed_at", "checked_at", "rows", "last_batch_link"),
        *("snapshot_date", "failed_at", "last_error", "refreshes"),
    )
    search_fields = ("name",)

    def find(self, records: QuerySet[Report], term: str) -> QuerySet[Report]:
        """Return the reports with this text in their names."""
        return records.filter(name__icontains=term)

    @admin.display(description="refreshes")
    def refreshes(self, report: Report) -> str:
        """Link to the report's refreshes."""
        return link_list("reports_reportrun", "of this report", f"report={report.name}")


@admin.register(ReportRun)
class ReportRunAdmin(_BatchLinkAdmin):
    """Refreshes that wrote a table or failed, newest first."""

    list_display = (
        *("report", "started_at", "outcome", "duration_ms", "rows", "last_batch_link", "error"),
    )
    list_filter = ("outcome", ReportFilter)
    ordering = ("-id",)
    search_fields = ("report",)
    fields = (
        *("report", "started_at", "duration_ms", "outcome", "rows", "last_batch_link", "error"),
    )

    def find(self, records: QuerySet[ReportRun], term: str) -> QuerySet[ReportRun]:
        """Return the refreshes of this report."""
        return records.filter(report=term)
