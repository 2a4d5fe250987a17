"""Answers to queries: the document of the standard, kept under its id for a while."""

import zlib
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from apis.metrics.errors import ResultUnknown
from apis.metrics.models import MetricResult
from apis.metrics.queries import Query

INTERVAL_COLUMN = "interval_start"


class MetricsColumn(msgspec.Struct, frozen=True):
    """One column of the rows."""

    name: str
    column_type: str
    data_type: str


class MetricsAnswer(msgspec.Struct, frozen=True):
    """The answer of `POST /mds/metrics` (MDS Metrics, section Metrics Query API)."""

    id: UUID
    query: dict[str, Any]
    columns: list[MetricsColumn]
    rows: list[list[Any]]


def make_answer(identifier: UUID, query: Query, rows: list[list[Any]], *, k: int) -> MetricsAnswer:
    """Return the document; with `k_value` where counts below it are redacted (MDS 2.0)."""
    described = query.describe()
    if k:
        described["k_value"] = k
    columns = [MetricsColumn(INTERVAL_COLUMN, "dimension", "datetime")]
    columns += [MetricsColumn(name, "dimension", "string") for name in query.dimensions]
    columns += [
        MetricsColumn(metric.name, query.spelling, metric.data_type) for metric in query.metrics
    ]
    return MetricsAnswer(id=identifier, query=described, columns=columns, rows=rows)


def keep_result(answer: MetricsAnswer, lifetime: timedelta) -> None:
    """Store the answer for its lifetime; delete the answers that have expired."""
    now = datetime.now(UTC)
    MetricResult.objects.filter(expires_at__lt=now).delete()
    MetricResult.objects.create(
        id=answer.id,
        created_at=now,
        expires_at=now + lifetime,
        document=zlib.compress(msgspec.json.encode(answer), level=1),
    )


def find_result(identifier: str) -> MetricsAnswer:
    """Return a kept answer; raise `ResultUnknown`."""
    try:
        wanted = UUID(identifier)
        kept = MetricResult.objects.get(id=wanted, expires_at__gte=datetime.now(UTC))
    except (ValueError, MetricResult.DoesNotExist) as error:
        raise ResultUnknown from error
    return msgspec.json.decode(zlib.decompress(kept.document), type=MetricsAnswer)
