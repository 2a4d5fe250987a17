"""GET /api/reports: every report and how fresh it is."""

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from project.http.answers import answer_json
from project.http.openapi import answers, page_of
from project.models import Scope
from reports.api.description import Description, as_fields, describe_report
from reports.engine.reading import one_snapshot, read_statuses
from reports.engine.registry import find_reports


class ReportsView(APIView):
    """The reports."""

    scopes = {"GET": Scope.READ}

    @extend_schema(summary="List reports", responses=answers({200: page_of(Description)}))
    def get(self, request: Request) -> HttpResponse:
        """Answer all reports; they are as few as their files, so there is one page."""
        with one_snapshot() as connection:
            statuses = read_statuses(connection)
        results = []
        for name, definition in sorted(find_reports().found.items()):
            status = statuses.get(name)
            checked_at = status.checked_at if status else None
            results.append(
                as_fields(describe_report(definition, status)) | {"checked_at": checked_at}
            )
        return answer_json({"next": None, "previous": None, "results": results})
