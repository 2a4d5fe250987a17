"""POST /api/reports/{name}/refresh: bring a report up to date now."""

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from project.base.errors import BadParameter
from project.http.answers import answer_json
from project.http.openapi import Errors, answers, parameter
from project.http.pagination import refuse_unknown
from project.models import Scope
from reports.engine.refresh import Refreshed
from reports.engine.registry import find_report
from reports.engine.report_table import refresh_report
from reports.errors import RefreshFailed, ReportBusy, ReportUnknown


class RefreshView(APIView):
    """A refresh, done while the client waits."""

    scopes = {"POST": Scope.INGEST}
    errors: Errors = {"POST": [BadParameter, ReportUnknown, ReportBusy, RefreshFailed]}

    @extend_schema(
        summary="Refresh a report",
        request=None,
        parameters=[parameter("force", "Refresh an unchanged report too", type="boolean")],
        responses=answers({200: Refreshed}),
    )
    def post(self, request: Request, name: str) -> HttpResponse:
        """Answer what was done; with `force=true` an unchanged report is refreshed as well."""
        refuse_unknown(request.GET, frozenset({"force"}))
        force = request.GET.get("force", "false")
        if force not in {"true", "false"}:
            raise BadParameter("force must be true or false", parameter="force")
        return answer_json(refresh_report(find_report(name), force=force == "true"))
