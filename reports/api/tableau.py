"""GET /api/reports/{name}.tds and /api/reports.tds: data sources for Tableau."""

from collections.abc import Iterable

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from project.http.access.reading import caller_of, public_datasets
from project.http.openapi import Errors, answers
from project.models import Scope
from reports.api.access import find_readable
from reports.api.caching import answer_file
from reports.engine.contents import read_only_snapshot, read_status
from reports.engine.definition import Definition
from reports.engine.registry import datasets_of_report, find_report
from reports.errors import NotRefreshed, ReportUnknown
from reports.tableau.data_sources import make_all_reports_source, make_report_source

TDS = "application/xml"
DESCRIBED = answers({(200, TDS): {"type": "string"}})


class DataSourceView(APIView):
    """One report as a Tableau data source."""

    scopes = {"GET": Scope.READ}
    datasets = staticmethod(datasets_of_report)
    errors: Errors = {"GET": [ReportUnknown, NotRefreshed]}

    @extend_schema(summary="Get a report as a Tableau data source", responses=DESCRIBED)
    def get(self, request: Request, name: str) -> HttpResponse:
        """Answer the .tds; Tableau asks for report_reader's password when it is opened."""
        return answer_data_source(name)


class SchemaSourceView(APIView):
    """All reports as one Tableau data source."""

    scopes = {"GET": Scope.READ}
    datasets = staticmethod(public_datasets)

    @extend_schema(summary="Get all reports as one Tableau data source", responses=DESCRIBED)
    def get(self, request: Request) -> HttpResponse:
        """Answer the .tds of every report that has a table and that the key may read."""
        return answer_schema_source(find_readable(caller_of(request)).values())


def answer_data_source(name: str) -> HttpResponse:
    """Return the file of one report."""
    definition = find_report(name)
    with read_only_snapshot() as connection:
        read_status(connection, name)
        content = make_report_source(connection, definition)
    return answer_file(content, content_type=TDS, name=f"{name}.tds")


def answer_schema_source(definitions: Iterable[Definition]) -> HttpResponse:
    """Return the file of several reports."""
    with read_only_snapshot() as connection:
        content = make_all_reports_source(connection, list(definitions))
    return answer_file(content, content_type=TDS, name="rowhouse_reports.tds")
