"""GET and POST /mds/metrics, and GET /mds/metrics/{id}."""

import csv
import io
import logging
from collections.abc import Mapping
from datetime import timedelta
from uuid import uuid4

import psycopg
from django.conf import settings
from django.http import HttpResponse
from psycopg import Connection
from rest_framework.request import Request
from rest_framework.views import APIView

from apis.metrics.answers import Answer, make_answer
from apis.metrics.computation import Computation
from apis.metrics.errors import QueryInvalid
from apis.metrics.queries import decode_body, read_query
from apis.metrics.registry import discover, find_metrics
from apis.metrics.results import find_result, keep_result
from ingest.errors import TooLarge
from project.answers import answer_json
from project.config import Metrics
from project.database import reader_connection
from project.errors import Unavailable
from project.models import Scope

logger = logging.getLogger("rowhouse.metrics")

MAX_BODY_BYTES = 1024 * 1024
FORMATS = ("json", "csv")


class _MetricsAPIView(APIView):
    """A view that anyone may use where rest_conf.yml says so."""

    @property
    def scopes(self) -> dict[str, Scope | None]:
        """The scope each method needs."""
        return dict.fromkeys(("GET", "POST"), None if _config().public else Scope.READ)


class MetricsView(_MetricsAPIView):
    """Discovery and query."""

    def get(self, request: Request) -> HttpResponse:
        """Answer which metrics there are, since when, in which intervals."""
        return answer_json(discover(reader_connection(), max_intervals=_config().max_intervals))

    def post(self, request: Request) -> HttpResponse:
        """Answer a query; its result can be fetched again by its id for a while."""
        wanted = _read_format(request.GET)
        config = _config()
        connection = reader_connection()
        query = read_query(
            decode_body(_read_body(request)),
            find_metrics(connection),
            max_intervals=config.max_intervals,
        )
        computation = Computation(
            query,
            k=config.redact_below,
            max_intervals=config.max_intervals,
            max_rows=config.max_rows,
        )
        rows = _run(computation, connection)
        answer = make_answer(uuid4(), query, rows, k=config.redact_below)
        keep_result(answer, timedelta(minutes=config.result_minutes))
        return _answer(answer, wanted)


class ResultView(_MetricsAPIView):
    """A result that was computed before."""

    def get(self, request: Request, result: str) -> HttpResponse:
        """Answer it as it was."""
        wanted = _read_format(request.GET)
        return _answer(find_result(result), wanted)


def _config() -> Metrics:
    metrics: Metrics = settings.CONFIG.metrics
    return metrics


def _read_body(request: Request) -> bytes:
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY_BYTES:
        raise TooLarge(f"A query has at most {MAX_BODY_BYTES} bytes")
    body: bytes = request.body
    return body


def _read_format(parameters: Mapping[str, str]) -> str:
    for name in parameters:
        if name != "format":
            raise QueryInvalid("there is no such parameter", field=name[:100])
    wanted = parameters.get("format", "json")
    if wanted not in FORMATS:
        raise QueryInvalid(f"it must be one of {', '.join(FORMATS)}", field="format")
    return wanted


def _run(computation: Computation, connection: Connection) -> list[list[object]]:
    try:
        return computation.run(connection)
    except psycopg.Error as error:
        logger.warning("query not answered", extra={"sqlstate": error.sqlstate})
        raise Unavailable(
            "The query cannot be answered now, or only for fewer intervals"
        ) from error


def _answer(answer: Answer, wanted: str) -> HttpResponse:
    if wanted == "json":
        return answer_json(answer)
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(column.name for column in answer.columns)
    writer.writerows(answer.rows)
    return HttpResponse(
        out.getvalue(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="metrics-{answer.id}.csv"'},
    )
