"""GET /api/batches and /api/batches/{id}: what was sent, and each receipt as it was answered."""

from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from ingest.outcome import Receipt
from ingest.reading.history import FILTERS, BatchSummary, select_batches, summarize_batch
from ingest.writing.receipts import BatchUnknown, read_receipt
from project.base.database import writer_connection
from project.base.errors import BadParameter
from project.http.answers import answer_json
from project.http.openapi import Errors, answers, page_of, paging_parameters, parameter
from project.http.pagination import PAGING, page_newest_first, read_page_request, refuse_unknown
from project.models import Scope


class BatchesView(APIView):
    """The batches that were sent, newest first."""

    scopes = {"GET": Scope.READ}
    errors: Errors = {"GET": [BadParameter]}

    @extend_schema(
        summary="List batches",
        parameters=[
            parameter("table", "Only this table's: `employees` or `hiring.employees`"),
            parameter("since", "Only from this time on", format="date-time"),
            parameter("until", "Only before this time", format="date-time"),
            parameter("rejected", "Only with (`true`) or without rejected rows", type="boolean"),
            parameter("dry_run", "Only trials, or none of them", type="boolean"),
            parameter("sent_as", "Only sent as this: json, ndjson, csv, replay"),
            *paging_parameters(),
        ],
        responses=answers({200: page_of(BatchSummary)}),
    )
    def get(self, request: Request) -> HttpResponse:
        """Answer a page of receipts without their rejections; filters are combined."""
        refuse_unknown(request.GET, FILTERS | PAGING)
        batches = select_batches(request.GET, list(settings.CONFIG.datasets))
        page = read_page_request(request._request)
        return answer_json(page_newest_first(page, batches, summarize_batch))


class BatchView(APIView):
    """One batch's receipt."""

    scopes = {"GET": Scope.READ}
    errors: Errors = {"GET": [BatchUnknown]}

    @extend_schema(summary="Get a receipt", responses=answers({200: Receipt}))
    def get(self, request: Request, batch: str) -> HttpResponse:
        """Answer the receipt with all its rejections."""
        try:
            identifier = UUID(batch)
        except ValueError as error:
            raise BatchUnknown from error
        return answer_json(read_receipt(writer_connection(), identifier))
