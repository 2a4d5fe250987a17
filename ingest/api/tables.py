"""GET /api/tables and /api/tables/{table}: what can be sent and read."""

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from ingest.api.permission import datasets_of_table
from ingest.errors import TableAmbiguous, TableUnknown
from ingest.reading.description import TableDescription, TableSummary, describe_table, list_tables
from ingest.writing.tables import exposed_tables
from project.base.database import reader_connection
from project.base.errors import BadParameter
from project.http.access.reading import caller_of, public_datasets, readable_datasets
from project.http.answers import answer_json
from project.http.openapi import Errors, answers, page_of, paging_parameters
from project.http.pagination import PAGING, Page, read_page_request, refuse_unknown
from project.models import Scope


class TablesView(APIView):
    """The tables that take rows."""

    scopes = {"GET": Scope.READ}
    datasets = staticmethod(public_datasets)
    errors: Errors = {"GET": [BadParameter]}

    @extend_schema(
        summary="List tables",
        parameters=paging_parameters(),
        responses=answers({200: page_of(TableSummary)}),
    )
    def get(self, request: Request) -> HttpResponse:
        """Answer every table that the key may read by its name, with its comment.

        Without a key these are the tables of public datasets.
        """
        refuse_unknown(request.GET, PAGING)
        page = read_page_request(request._request)
        tables = list_tables(reader_connection(), readable_datasets(caller_of(request)))
        if page.cursor is not None:
            (name,) = page.cursor.key
            if page.is_backwards:
                tables = [one for one in reversed(tables) if one.table < name]
            else:
                tables = [one for one in tables if one.table > name]
        found, following, preceding = page.arrange(
            tables[: page.limit + 1], lambda one: [one.table]
        )
        return answer_json(Page(next=following, previous=preceding, results=found))


class TableView(APIView):
    """One table."""

    scopes = {"GET": Scope.READ}
    datasets = staticmethod(datasets_of_table)
    errors: Errors = {"GET": [TableUnknown, TableAmbiguous]}

    @extend_schema(summary="Describe a table", responses=answers({200: TableDescription}))
    def get(self, request: Request, table: str) -> HttpResponse:
        """Answer columns, keys and rules as they are now, the JSON Schema of a row, an example."""
        connection = reader_connection()
        known = exposed_tables().find_current(connection, table)
        return answer_json(describe_table(connection, known))
