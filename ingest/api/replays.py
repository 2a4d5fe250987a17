"""POST /api/rejections/{id}/replay and /api/rejections/replay: rejected rows sent again."""

from typing import cast
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from ingest.api.intake import receipt_status
from ingest.api.intake_schema import CONFLICT_PARAMETERS, EXTRA_PARAMETER, JSON_ERRORS
from ingest.api.parameters import read_conflict, read_extra
from ingest.api.permission import check_table
from ingest.api.rejections import FILTER_PARAMETERS
from ingest.errors import (
    BadShape,
    ConflictKeyMissing,
    CsvSyntax,
    TableUnknown,
    UnsupportedMediaType,
)
from ingest.models import Rejection
from ingest.outcome import Receipt
from ingest.payload.json_body import check_numbers, check_text
from ingest.payload.media_type import parse_media_type
from ingest.rejections.listing import FILTERS, RejectionUnknown, find_rejection, select_rejections
from ingest.rejections.replay import (
    RejectionBusy,
    RejectionNotOpen,
    ReplaySummary,
    replay_rejection,
    replay_rejections,
)
from ingest.rejections.sent_rows import Correction, RawTruncated, RawUnreadable
from ingest.writing.request import BatchRequest
from ingest.writing.tables import exposed_tables
from project.base.database import writer_connection
from project.base.errors import BadParameter
from project.base.logs import note
from project.http.answers import answer_json
from project.http.body import read_optional_body
from project.http.openapi import CSV_TEXT, FILLED, Errors, answers, parameter
from project.http.pagination import read_choice, refuse_unknown
from project.models import ApiKey, Scope

_CONFLICT = frozenset({"on_conflict", "conflict_key", "extra"})


class ReplayView(APIView):
    """One rejected row sent again."""

    scopes = {"POST": Scope.INGEST}
    bodies = {"POST": settings.CONFIG.ingest.max_bytes}
    errors: Errors = {
        "POST": [
            *JSON_ERRORS,
            BadParameter,
            ConflictKeyMissing,
            CsvSyntax,
            RejectionUnknown,
            TableUnknown,
            RejectionNotOpen,
            RejectionBusy,
            RawTruncated,
            RawUnreadable,
        ]
    }

    @extend_schema(
        summary="Replay a rejection",
        parameters=[*CONFLICT_PARAMETERS, EXTRA_PARAMETER],
        request={
            "application/json": {"type": "object", "description": "The corrected row"},
            "text/csv": CSV_TEXT | FILLED | {"description": "The corrected record"},
        },
        responses=answers({201: Receipt, 422: Receipt}),
    )
    def post(self, request: Request, rejection: str) -> HttpResponse:
        """Send the corrected row in the body, or with an empty body the row as it was.

        What was a CSV record can be corrected as one, in the order of its `fields`, or as an object
        of strings and nulls: they are fields by column, as `row` shows them.

        Answers the receipt of a batch of one row: 201 when it was stored, 422 when it was
        rejected again; then the rejection stays open.
        """
        refuse_unknown(request.GET, _CONFLICT)
        correction = _read_correction(request)
        found = find_rejection(rejection)
        check_table(request, found.table_name)
        receipt = replay_rejection(
            writer_connection,
            exposed_tables(),
            found,
            _replay_request(request, found.table_name),
            lambda table: check_table(request, table.full_name),
            correction,
        )
        note(request._request, batch=str(receipt.batch), table=receipt.table, rejection=found.pk)
        return answer_json(receipt, status=receipt_status(receipt, atomic=False))


class ReplaysView(APIView):
    """Many rejected rows sent again."""

    scopes = {"POST": Scope.INGEST}
    bodies = {"POST": settings.CONFIG.ingest.max_bytes}
    errors: Errors = {"POST": [BadParameter, BadShape, ConflictKeyMissing]}

    @extend_schema(
        summary="Replay rejections",
        parameters=[
            *FILTER_PARAMETERS,
            parameter(
                "after",
                "Only rejections with a higher id than this",
                type="integer",
                minimum=0,
                maximum=10**18 - 1,
            ),
            *CONFLICT_PARAMETERS,
            EXTRA_PARAMETER,
        ],
        request=None,
        responses=answers({200: ReplaySummary}),
    )
    def post(self, request: Request) -> HttpResponse:
        """Send every open rejection that the filters name again, as it was, oldest first.

        A call gets through ten batches; where rejections remain, POST to `next` for the others.
        """
        refuse_unknown(request.GET, FILTERS | _CONFLICT | {"after"})
        read_choice(request.GET, "state", (Rejection.State.OPEN,))
        if _read_body(request):
            raise BadShape("Rejections are replayed as they were: the body must be empty")
        rejections = select_rejections(request.GET, list(settings.CONFIG.datasets))
        rejections = rejections.filter(pk__gt=_read_after(request), state=Rejection.State.OPEN)
        for table in rejections.order_by().values_list("table_name", flat=True).distinct():
            check_table(request, table)
        summary, last = replay_rejections(
            writer_connection,
            exposed_tables(),
            rejections,
            _replay_request(request, ""),
            lambda table: check_table(request, table.full_name),
        )
        if summary.remaining:
            kept = request.GET.dict() | {"after": str(last)}
            summary.next = request.build_absolute_uri(f"{request.path}?{urlencode(kept)}")
        note(request._request, replayed=summary.replayed, rejected=summary.rejected)
        return answer_json(summary)


def _replay_request(request: Request, table: str) -> BatchRequest:
    on_conflict, conflict_key = read_conflict(request.GET)
    return BatchRequest(
        table=table,
        key_prefix=cast("ApiKey", request.auth).prefix,
        format="replay",
        on_conflict=on_conflict,
        conflict_key=conflict_key,
        drops_extra=read_extra(request.GET),
    )


def _read_correction(request: Request) -> Correction | None:
    """Return the corrected row, None where the body is empty."""
    body = _read_body(request)
    if not body:
        return None
    media_type = parse_media_type(request.META.get("CONTENT_TYPE", ""))
    if media_type.format == "csv":
        return Correction(body, media_type)
    if media_type.format != "json":
        raise UnsupportedMediaType("A corrected row is taken as application/json or text/csv")
    check_text(body)
    check_numbers(body, settings.CONFIG.ingest.max_number_digits)
    if not body.lstrip().startswith(b"{"):
        raise BadShape("The body must be the corrected row: one JSON object")
    return Correction(body, media_type)


def _read_body(request: Request) -> bytes:
    return read_optional_body(request._request, max_bytes=settings.CONFIG.ingest.max_bytes)


def _read_after(request: Request) -> int:
    text = request.GET.get("after", "0")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise BadParameter("after must be the id of a rejection", parameter="after")
    return int(text)
