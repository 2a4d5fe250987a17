"""GET /api/rejections and /api/rejections/{id}, POST …/discard: rows that were not stored."""

from datetime import UTC, datetime
from itertools import islice

from django.conf import settings
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from ingest.api.permission import check_table
from ingest.models import Rejection
from ingest.rejections.export import export_header, export_records
from ingest.rejections.listing import (
    FILTERS,
    RejectionDetail,
    RejectionSummary,
    RejectionUnknown,
    describe_rejection,
    find_rejection,
    iterate_rejections,
    select_rejections,
    summarize_rejection,
)
from ingest.rejections.replay import RejectionNotOpen
from ingest.writing.tables import find_table
from project.base.csv_text import csv_lines
from project.base.database import reader_connection
from project.base.errors import BadParameter
from project.http.answers import answer_json, in_pieces
from project.http.openapi import (
    CSV_TEXT,
    NULL_PARAMETER,
    Errors,
    answers,
    page_of,
    paging_parameters,
    parameter,
)
from project.http.pagination import (
    MAX_LIMIT,
    PAGING,
    page_newest_first,
    read_choice,
    read_limit,
    read_nulls,
    read_page_request,
    refuse_unknown,
)
from project.models import Scope

FILTER_PARAMETERS = [
    parameter("table", "Only this table's: `employees` or `hiring.employees`"),
    parameter("batch", "Only this batch's; several with commas between them"),
    parameter("code", "Only those with this row code among their errors"),
    parameter("column", "Only those with an error about this column"),
    parameter("since", "Only from this time on", format="date-time"),
    parameter("until", "Only before this time", format="date-time"),
]


class RejectionsView(APIView):
    """The rows that were rejected, newest first."""

    scopes = {"GET": Scope.READ}
    errors: Errors = {"GET": [BadParameter]}

    @extend_schema(
        summary="List rejections",
        parameters=[
            *FILTER_PARAMETERS,
            parameter("state", "Only in this state", enum=list(Rejection.State.values)),
            parameter("format", "csv: all that match, as a file", enum=["json", "csv"]),
            NULL_PARAMETER,
            parameter("safe", "CSV for spreadsheets: a `'` before formulas", type="boolean"),
            *paging_parameters(),
        ],
        responses=answers({200: page_of(RejectionSummary), (200, "text/csv"): CSV_TEXT}),
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Answer a page of rejections with their errors, or all of them as CSV."""
        refuse_unknown(request.GET, FILTERS | PAGING | {"format", "safe", "null"})
        is_csv = read_choice(request.GET, "format", ("json", "csv")) == "csv"
        safe = read_choice(request.GET, "safe", ("false", "true")) == "true"
        nulls = read_nulls(request.GET)
        limit = read_limit(request.GET, MAX_LIMIT)
        rejections = select_rejections(request.GET, list(settings.CONFIG.datasets))
        if not is_csv:
            page = read_page_request(request._request)
            # A thousand rows as they were sent may be 64 MB.
            rejections = rejections.defer("raw")
            return answer_json(page_newest_first(page, rejections, summarize_rejection))
        # Rows that may be of several tables are not spread over columns.
        name = request.GET.get("table")
        table = find_table(reader_connection(), name) if name is not None else None
        columns = [column.name for column in table.columns] if table else []
        # All of them, unless a limit is asked for.
        found = islice(iterate_rejections(rejections), limit if "limit" in request.GET else None)
        records = export_records(found, columns)
        return StreamingHttpResponse(
            in_pieces(csv_lines(export_header(columns), records, safe=safe, nulls=nulls)),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="rejections.csv"'},
        )


class RejectionView(APIView):
    """One rejected row."""

    scopes = {"GET": Scope.READ}
    errors: Errors = {"GET": [RejectionUnknown]}

    @extend_schema(summary="Get a rejection", responses=answers({200: RejectionDetail}))
    def get(self, request: Request, rejection: str) -> HttpResponse:
        """Answer the row as it was sent, and every reason against it."""
        return answer_json(describe_rejection(find_rejection(rejection)))


class DiscardView(APIView):
    """Give a rejected row up."""

    scopes = {"POST": Scope.INGEST}
    errors: Errors = {"POST": [RejectionUnknown, RejectionNotOpen]}

    @extend_schema(
        summary="Discard a rejection",
        request=None,
        responses=answers({200: RejectionSummary}),
    )
    def post(self, request: Request, rejection: str) -> HttpResponse:
        """Mark the rejection as discarded: the row is not wanted. It is kept all the same."""
        found = find_rejection(rejection)
        check_table(request, found.table_name)
        # Waits for a replay that has the row in its hands, and sees what came of it.
        changed = Rejection.objects.filter(pk=found.pk, state=Rejection.State.OPEN).update(
            state=Rejection.State.DISCARDED, resolved_at=datetime.now(UTC)
        )
        found.refresh_from_db()
        if not changed:
            raise RejectionNotOpen(f"The rejection is {found.state} already")
        return answer_json(summarize_rejection(found))
