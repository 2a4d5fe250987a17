"""/api/reports, /api/reports/{name} and its /refresh: the list, one report, a refresh now."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from msgspec.structs import asdict
from psycopg import Connection
from rest_framework.request import Request
from rest_framework.views import APIView

from project.base.config import ParameterValue
from project.base.errors import BadParameter
from project.http.access.reading import caller_of, public_datasets
from project.http.answers import answer_json
from project.http.openapi import (
    CSV_TEXT,
    NULL_PARAMETER,
    SAFE_PARAMETER,
    Errors,
    answers,
    page_of,
    parameter,
    reference,
)
from project.http.pagination import (
    link_offsets,
    read_choice,
    read_nulls,
    read_number,
    refuse_unknown,
)
from project.models import Scope
from reports.api.access import find_readable
from reports.api.caching import answer_file, find_unmodified, make_etag, set_validators
from reports.engine.contents import (
    DescribedColumn,
    Status,
    describe_columns,
    read_csv,
    read_only_snapshot,
    read_rows,
    read_safe_csv,
    read_status,
    read_statuses,
)
from reports.engine.definition import Definition
from reports.engine.refresh import Refreshed
from reports.engine.registry import datasets_of_report, find_report
from reports.engine.report_table import refresh_report
from reports.errors import NotRefreshed, RefreshFailed, ReportBusy, ReportUnknown

MAX_ROWS = 10_000
MAX_OFFSET = 10**12
KNOWN = frozenset({"format", "limit", "offset", "null", "safe"})
CSV = "text/csv; charset=utf-8"


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """A report in a list."""

    name: str
    title: str
    description: str
    parameters: dict[str, ParameterValue]
    schedule: str | None
    sources: list[str]
    refreshed_at: datetime | None
    rows: int | None
    last_batch: UUID | None
    open_rejections: int
    last_error: str | None


def describe_report(definition: Definition, status: Status | None) -> Description:
    """Return a report's description; `status` is None where it was never refreshed."""
    return Description(
        name=definition.name,
        title=definition.header.title,
        description=definition.header.description,
        parameters=definition.parameters,
        schedule=definition.schedule,
        sources=definition.header.sources,
        refreshed_at=status.refreshed_at if status else None,
        rows=status.rows if status else None,
        last_batch=status.last_batch if status else None,
        open_rejections=status.open_rejections if status else 0,
        last_error=status.last_error if status else None,
    )


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


class ReportsView(APIView):
    """The reports."""

    scopes = {"GET": Scope.READ}
    datasets = staticmethod(public_datasets)

    @extend_schema(summary="List reports", responses=answers({200: page_of(Description)}))
    def get(self, request: Request) -> HttpResponse:
        """Answer the reports that the key may read, without one those of public datasets.

        They are as few as their files, so there is one page.
        """
        with read_only_snapshot() as connection:
            statuses = read_statuses(connection)
        results = []
        for name, definition in find_readable(caller_of(request)).items():
            status = statuses.get(name)
            checked_at = status.checked_at if status else None
            described = asdict(describe_report(definition, status))
            results.append(described | {"checked_at": checked_at})
        return answer_json({"next": None, "previous": None, "results": results})


class ReportView(APIView):
    """One report."""

    scopes = {"GET": Scope.READ}
    datasets = staticmethod(datasets_of_report)
    errors: Errors = {"GET": [BadParameter, ReportUnknown, NotRefreshed]}

    @extend_schema(
        summary="Read a report",
        parameters=[
            parameter("format", "How they are written", enum=["json", "csv"], default="json"),
            NULL_PARAMETER,
            SAFE_PARAMETER,
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
        safe = read_choice(request.GET, "safe", ("false", "true")) == "true"
        with read_only_snapshot() as connection:
            status = read_status(connection, name)
            described = describe_report(definition, status)
            etag = make_etag(described, definition.digest, request.META.get("QUERY_STRING", ""))
            answer = find_unmodified(request._request, etag, status.refreshed_at)
            if answer is None and format_ == "csv":
                answer = answer_csv(connection, definition, read_nulls(request.GET), safe=safe)
            elif answer is None:
                columns = describe_columns(connection, definition)
                links = link_offsets(request, {}, limit=limit, offset=offset, count=status.rows)
                rows = read_rows(connection, definition, limit=limit, offset=offset)
                body = asdict(described) | {"columns": columns, "line": status.line, **links}
                answer = answer_json(body | {"results": rows})
        set_validators(answer, etag, status.refreshed_at)
        return answer


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


def answer_csv(
    connection: Connection, definition: Definition, nulls: Sequence[str] = (), *, safe: bool
) -> HttpResponse:
    """Return the whole report as a file, with `safe` for spreadsheets."""
    content = (read_safe_csv if safe else read_csv)(connection, definition, nulls)
    return answer_file(content, content_type=CSV, name=f"{definition.name}.csv")


def _read_parameters(request: Request) -> tuple[str, int, int]:
    refuse_unknown(request.GET, KNOWN)
    format_ = request.GET.get("format", "json")
    if format_ not in {"json", "csv"}:
        raise BadParameter("format must be json or csv", parameter="format")
    limit = read_number(request.GET, "limit", MAX_ROWS, low=1, high=MAX_ROWS)
    return format_, limit, read_number(request.GET, "offset", 0, low=0, high=MAX_OFFSET)
