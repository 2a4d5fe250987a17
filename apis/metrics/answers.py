"""Answers to queries: the document of the standard, and the same as CSV."""

from typing import Any
from uuid import UUID

import msgspec

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
    """Return the document; where small counts are redacted it tells below which (MDS 2.0)."""
    described = query.describe()
    if k:
        described["k_value"] = k
    columns = [MetricsColumn(INTERVAL_COLUMN, "dimension", "datetime")]
    columns += [MetricsColumn(name, "dimension", "string") for name in query.dimensions]
    columns += [
        MetricsColumn(metric.name, query.spelling, metric.data_type) for metric in query.metrics
    ]
    return MetricsAnswer(id=identifier, query=described, columns=columns, rows=rows)
