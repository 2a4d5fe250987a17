"""POST /api/reports/{name}/refresh: bring a report up to date now."""

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from ingest.errors import BadParameter
from project.answers import answer_json
from project.models import Scope
from reports.refresh import refresh_report
from reports.registry import find_report


class RefreshView(APIView):
    """A refresh, done while the client waits."""

    scopes = {"POST": Scope.INGEST}

    def post(self, request: Request, name: str) -> HttpResponse:
        """Answer what was done; with `force=true` an unchanged report is refreshed as well."""
        force = request.GET.get("force", "false")
        if force not in {"true", "false"}:
            raise BadParameter("force must be true or false", parameter="force")
        return answer_json(refresh_report(find_report(name), force=force == "true"))
