"""POST /api/ingest and /api/ingest/{table}: take a batch of rows, answer with its receipt."""

from datetime import timedelta
from typing import cast

from blake3 import blake3
from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from ingest.api.intake_schema import INTAKE_BODIES, INTAKE_ERRORS, INTAKE_PARAMETERS
from ingest.api.parameters import IngestParameters, read_parameters
from ingest.api.permission import check_table
from ingest.errors import BadParameter, BadShape, BodyEmpty
from ingest.outcome import Receipt
from ingest.payload.json_body import check_text, open_json
from ingest.payload.media_type import MediaType, parse_media_type
from ingest.payload.payload import CsvBody, JsonLines, Payload
from ingest.writing.batch import ingest_batch
from ingest.writing.request import BatchRequest, IdempotencyClaim
from ingest.writing.tables import exposed_tables
from project.base.config import Ingest
from project.base.database import unchecked_connection, writer_connection
from project.base.logs import note
from project.base.metrics import count_batch, count_rows
from project.http.answers import answer_json
from project.http.body import read_body
from project.http.openapi import Errors, answers
from project.models import ApiKey, Scope

MAX_KEY_CHARACTERS = 255
OUTCOMES = ("inserted", "updated", "ignored", "rejected")


class IngestView(APIView):
    """Store the good rows of a batch, log the bad ones with every reason."""

    scopes = {"POST": Scope.INGEST}
    bodies = {"POST": settings.CONFIG.ingest.max_bytes}
    errors: Errors = {"POST": INTAKE_ERRORS}

    @extend_schema(
        summary="Send rows",
        parameters=INTAKE_PARAMETERS,
        request=INTAKE_BODIES,
        responses=answers({201: Receipt, 200: Receipt, 207: Receipt, 422: Receipt}),
    )
    def post(self, request: Request, table: str | None = None) -> HttpResponse:
        """Answer 201 (every row stored), 207 (some rejected) or 422 (none stored)."""
        limits: Ingest = settings.CONFIG.ingest
        parameters = read_parameters(request.GET)
        body = read_body(request._request, max_bytes=limits.max_bytes)
        if not body:
            raise BodyEmpty
        media_type = parse_media_type(request.META.get("CONTENT_TYPE", ""))
        claim = _read_claim(request, table, body, limits)
        table, payload = _open_body(body, media_type, table, limits, parameters)
        batch = BatchRequest(
            table=table,
            key_prefix=cast("ApiKey", request.auth).prefix,
            format=media_type.format,
            on_conflict=parameters.on_conflict,
            conflict_key=parameters.conflict_key,
            atomic=parameters.atomic,
            dry_run=parameters.dry_run,
            returns_keys=parameters.returns_keys,
            drops_extra=parameters.drops_extra,
            claim=claim,
            max_raw_bytes=limits.max_raw_bytes,
            nulls=parameters.nulls,
        )
        stored = ingest_batch(
            writer_connection,
            exposed_tables(),
            batch,
            payload,
            allow=lambda found: check_table(request, found.full_name),
            connect_unchecked=unchecked_connection,
        )
        receipt, is_replayed = stored.receipt, stored.way is None
        _record(request, receipt, stored.way)
        return answer_json(
            receipt,
            status=receipt_status(receipt, atomic=parameters.atomic),
            headers={"Idempotency-Replayed": "true"} if is_replayed else None,
        )


def receipt_status(receipt: Receipt, *, atomic: bool) -> int:
    """Return the HTTP status that goes with a receipt."""
    if not receipt.rejected:
        return 200 if receipt.dry_run else 201
    return 422 if atomic or receipt.rejected == receipt.received else 207


def _open_body(
    body: bytes,
    media_type: MediaType,
    table: str | None,
    limits: Ingest,
    parameters: IngestParameters,
) -> tuple[str, Payload]:
    """Return the table the rows are for, and the rows."""
    if media_type.format == "csv":
        csv = CsvBody(body, media_type.codec, parameters.has_header, parameters.nulls)
        return _require_name(table), csv
    check_text(body)
    if media_type.format == "ndjson":
        return _require_name(table), JsonLines(body)
    envelope = open_json(body, max_depth=limits.max_depth)
    if envelope.table is not None and table is not None and envelope.table != table:
        raise BadShape("The body names another table than the address")
    return _require_name(table or envelope.table), envelope.rows


def _require_name(table: str | None) -> str:
    if table is None:
        raise BadShape("Name the table: in the address, or as `table` beside `rows` in JSON")
    return table


def _read_claim(
    request: Request, table: str | None, body: bytes, limits: Ingest
) -> IdempotencyClaim | None:
    key = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if key is None:
        return None
    if not 0 < len(key) <= MAX_KEY_CHARACTERS or not key.isprintable():
        raise BadParameter(
            f"An Idempotency-Key has 1 to {MAX_KEY_CHARACTERS} printable characters",
            parameter="Idempotency-Key",
        )
    # The same request again: the same address, parameters, media type and bytes.
    seen = blake3(body)
    for part in (table or "", request.META.get("QUERY_STRING", ""), request.content_type or ""):
        seen.update(b"\0" + part.encode())
    return IdempotencyClaim(key, seen.digest(), timedelta(hours=limits.idempotency_hours))


def _record(request: Request, receipt: Receipt, way: str | None) -> None:
    """Log a receipt, and count its rows unless nothing was stored for this request."""
    outcomes = {name: getattr(receipt, name) for name in OUTCOMES}
    note(
        request._request,
        batch=str(receipt.batch),
        table=receipt.table,
        received=receipt.received,
        **outcomes,
        way=way,
    )
    if way is not None and not receipt.dry_run:
        codes = [error.code for rejection in receipt.rejections for error in rejection.errors]
        count_batch(way)
        count_rows(receipt.table, outcomes, codes)
