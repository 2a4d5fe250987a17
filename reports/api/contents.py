"""GET /api/reports/{name}: a report's rows as JSON or CSV."""

from urllib.parse import urlencode

from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from psycopg import Connection
from rest_framework.request import Request
from rest_framework.views import APIView

from project.base.errors import BadParameter
from project.http.answers import answer_json
from project.http.openapi import CSV_TEXT, Errors, answers, page_of, parameter, reference
from project.http.pagination import refuse_unknown
from project.models import Scope
from reports.api.caching import answer_file, find_unmodified, make_etag, mark
from reports.api.description import (
    DescribedColumn,
    Description,
    as_fields,
    describe_columns,
    describe_report,
)
from reports.engine.definition import Definition
from reports.engine.reading import (
    Status,
    one_snapshot,
    read_csv,
    read_rows,
    read_shown_columns,
    read_status,
)
from reports.engine.registry import find_report
from reports.errors import NotRefreshed, ReportUnknown

MAX_ROWS = 10_000
MAX_OFFSET = 10**12
KNOWN = frozenset({"format", "limit", "offset"})
CSV = "text/csv; charset=utf-8"
DESCRIBED = {
    "allOf": [
        reference(Description),
        page_of({"type": "object"}),
        {
            "properties": {
                "columns": {"type": "array", "items": reference(DescribedColumn)},
                "line": {"type": ["number", "null"]},
            }
        },
    ]
}


class ReportView(APIView):
    """One report."""

    scopes = {"GET": Scope.READ}
    errors: Errors = {"GET": [BadParameter, ReportUnknown, NotRefreshed]}

    @extend_schema(
        summary="Read a report",
        parameters=[
            parameter("format", "How they are written", enum=["json", "csv"], default="json"),
            parameter("limit", "Rows of JSON", type="integer", minimum=1, maximum=MAX_ROWS),
            parameter(
                "offset",
                "Rows left out before the first",
                type="integer",
                minimum=0,
                maximum=MAX_OFFSET,
            ),
        ],
        responses=answers({200: DESCRIBED, (200, "text/csv"): CSV_TEXT}),
    )
    def get(self, request: Request, name: str) -> HttpResponseBase:
        """Answer the rows in the report's order: `limit` of them as JSON, all of them as CSV."""
        definition = find_report(name)
        format_, limit, offset = _read_parameters(request)
        with one_snapshot() as connection:
            status = read_status(connection, name)
            described = describe_report(definition, status)
            etag = make_etag(described, definition.digest, request.META.get("QUERY_STRING", ""))
            answer = find_unmodified(request._request, etag, status.refreshed_at)
            if answer is None and format_ == "csv":
                content = read_csv(connection, definition)
                answer = answer_file(content, content_type=CSV, name=f"{name}.csv")
            elif answer is None:
                body = as_fields(described) | _read_page(
                    connection, definition, status, limit, offset
                )
                answer = answer_json(_add_links(request, body, limit, offset))
        mark(answer, etag, status.refreshed_at)
        return answer


def _read_page(
    connection: Connection, definition: Definition, status: Status, limit: int, offset: int
) -> dict[str, object]:
    columns = read_shown_columns(connection, definition)
    return {
        "columns": describe_columns(definition, columns),
        "line": status.line,
        "next": None,
        "previous": None,
        "results": read_rows(connection, definition, limit=limit, offset=offset),
    }


def _add_links(
    request: Request, body: dict[str, object], limit: int, offset: int
) -> dict[str, object]:
    def link(to: int) -> str:
        return request.build_absolute_uri(f"?{urlencode({'limit': limit, 'offset': to})}")

    rows = body["rows"]
    if isinstance(rows, int) and offset + limit < rows:
        body["next"] = link(offset + limit)
    if offset:
        body["previous"] = link(max(0, offset - limit))
    return body


def _read_parameters(request: Request) -> tuple[str, int, int]:
    refuse_unknown(request.GET, KNOWN)
    format_ = request.GET.get("format", "json")
    if format_ not in {"json", "csv"}:
        raise BadParameter("format must be json or csv", parameter="format")
    limit = _read_number(request, "limit", MAX_ROWS, low=1, high=MAX_ROWS)
    return format_, limit, _read_number(request, "offset", 0, low=0, high=MAX_OFFSET)


def _read_number(request: Request, name: str, default: int, *, low: int, high: int) -> int:
    text = request.GET.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 15 and low <= int(text) <= high):
        raise BadParameter(f"{name} must be a number from {low} to {high}", parameter=name)
    return int(text)
