"""GET and POST /mds/metrics, and GET /mds/metrics/{id}."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import psycopg
from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiExample, OpenApiRequest, extend_schema
from psycopg import Connection
from rest_framework.request import Request
from rest_framework.views import APIView

from apis.metrics.answers import MetricsAnswer, find_result, keep_result, make_answer
from apis.metrics.computation.computation import Computation
from apis.metrics.errors import QueryInvalid, ResultUnknown
from apis.metrics.queries import MetricsQuery, decode_body, read_query
from apis.metrics.registry import (
    MetricsDiscovery,
    all_metrics,
    datasets_of,
    discover,
    find_metrics,
)
from project.base.config import Metrics
from project.base.csv_text import csv_lines
from project.base.database import reader_connection
from project.base.errors import Unavailable
from project.http.access.reading import caller_of, check_reading, public_datasets, readable_datasets
from project.http.answers import answer_json
from project.http.body import BODY_ERRORS, read_optional_body
from project.http.openapi import CSV_TEXT, Errors, answers, parameter, reference
from project.models import Scope

logger = logging.getLogger("rowhouse.metrics")

MAX_BODY_BYTES = 1024 * 1024
FORMATS = ("json", "csv")
FORMAT = parameter("format", "How the result is written", enum=list(FORMATS))

EXAMPLE = OpenApiExample(
    "query",
    value={
        "metrics": ["trips.start_loc.count"],
        "interval": "P1D",
        "start_date": "2021-06-07T00:00Z",
        "end_date": "2021-06-13T00:00Z",
        "dimensions": ["vehicle_type"],
    },
    request_only=True,
)


class MetricsView(APIView):
    """Discovery and query."""

    scopes = {"GET": Scope.READ, "POST": Scope.READ}
    datasets = staticmethod(public_datasets)
    bodies = {"POST": MAX_BODY_BYTES}
    errors: Errors = {"POST": [QueryInvalid, *BODY_ERRORS]}

    @extend_schema(
        operation_id="get_mds_metrics",
        summary="Discover metrics",
        responses=answers({200: MetricsDiscovery}),
    )
    def get(self, request: Request) -> HttpResponse:
        """Answer which metrics there are, since when, in which intervals.

        Without a key these are the metrics of public datasets.
        """
        datasets = readable_datasets(caller_of(request))
        with _query_connection() as connection:
            discovery = discover(connection, datasets, max_intervals=_config().max_intervals)
        return answer_json(discovery)

    @extend_schema(
        operation_id="post_mds_metrics",
        summary="Query metrics",
        parameters=[FORMAT],
        request={"application/json": OpenApiRequest(reference(MetricsQuery), examples=[EXAMPLE])},
        responses=answers({200: MetricsAnswer, (200, "text/csv"): CSV_TEXT}),
    )
    def post(self, request: Request) -> HttpResponse:
        """Answer a query; its result can be fetched again by its id for a while."""
        wanted = _read_format(request.GET)
        body = decode_body(read_optional_body(request._request, max_bytes=MAX_BODY_BYTES))
        config = _config()
        with _query_connection() as connection:
            known = find_metrics(connection)
            query = read_query(body, known, max_intervals=config.max_intervals)
            check_reading(caller_of(request), datasets_of(query.metrics))
            computation = Computation(
                query,
                k=config.redact_below,
                max_intervals=config.max_intervals,
                max_rows=config.max_rows,
            )
            rows = computation.run(connection)
        answer = make_answer(uuid4(), query, rows, k=config.redact_below)
        keep_result(answer, timedelta(minutes=config.result_minutes))
        return _answer(answer, wanted)


class ResultView(APIView):
    """A result that was computed before."""

    scopes = {"GET": Scope.READ}
    datasets = staticmethod(public_datasets)
    errors: Errors = {"GET": [ResultUnknown, QueryInvalid]}

    @extend_schema(
        operation_id="get_mds_metrics_result",
        summary="Get a result again",
        parameters=[FORMAT],
        responses=answers({200: MetricsAnswer, (200, "text/csv"): CSV_TEXT}),
    )
    def get(self, request: Request, result: str) -> HttpResponse:
        """Answer it as it was."""
        wanted = _read_format(request.GET)
        answer = find_result(result)
        check_reading(caller_of(request), datasets_of_result(answer))
        return _answer(answer, wanted)


def datasets_of_result(answer: MetricsAnswer) -> set[str]:
    """Return the datasets that a result was computed from; none where a metric is no more."""
    names = [one.name for one in answer.columns if one.column_type != "dimension"]
    known = all_metrics()
    return datasets_of(known[name] for name in names) if known.keys() >= set(names) else set()


def _config() -> Metrics:
    metrics: Metrics = settings.CONFIG.metrics
    return metrics


def _read_format(parameters: Mapping[str, str]) -> str:
    for name in parameters:
        if name != "format":
            raise QueryInvalid("there is no such parameter", field=name[:100])
    wanted = parameters.get("format", "json")
    if wanted not in FORMATS:
        raise QueryInvalid(f"it must be one of {', '.join(FORMATS)}", field="format")
    return wanted


@contextmanager
def _query_connection() -> Iterator[Connection]:
    """Give the connection for queries; raise `Unavailable` where they fail."""
    try:
        yield reader_connection()
    except psycopg.Error as error:
        logger.warning("query not answered", extra={"sqlstate": error.sqlstate})
        raise Unavailable("The query cannot be answered, at least not now") from error


def _answer(answer: MetricsAnswer, wanted: str) -> HttpResponse:
    if wanted == "json":
        return answer_json(answer)
    header = [column.name for column in answer.columns]
    rows = ([None if value is None else str(value) for value in row] for row in answer.rows)
    return HttpResponse(
        b"".join(csv_lines(header, rows, safe=False)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="metrics-{answer.id}.csv"'},
    )
