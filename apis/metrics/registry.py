"""The metrics this database can answer, and since when."""

import logging
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import msgspec
import psycopg
from django.conf import settings
from psycopg import Connection

from apis.metrics.computation.statements import compose_since
from apis.metrics.definition import Aggregate, Extreme, Family, Metric, Ratio, read_definitions
from apis.metrics.time.grids import floor_timestamp
from apis.metrics.time.timestamps import FIRST_YEAR, format_timestamp

logger = logging.getLogger("rowhouse.metrics")

FOLDER = Path(__file__).parent / "definitions"


class MetricGroup(msgspec.Struct, frozen=True):
    """Metrics of discovery that share their first moment and their intervals."""

    name: list[str]
    since: str
    intervals: list[str]


class MetricsDiscovery(msgspec.Struct, frozen=True):
    """The answer of `GET /mds/metrics` (MDS Metrics, section Metrics Discovery API)."""

    metrics: list[MetricGroup]
    max_intervals: int
    dimensions: list[str]
    filters: list[str]


@cache
def all_metrics() -> dict[str, Metric]:
    """Return every declared metric by its name."""
    return read_definitions(FOLDER)


def families_of(metric: Metric) -> list[Family]:
    """Return the families whose tables the metric reads."""
    match metric:
        case Aggregate():
            return [metric.family]
        case Ratio():
            return [part.family for part in metric.of + metric.to]
        case Extreme():
            return [metric.of.family]
    raise TypeError(metric.name)


def datasets_of(metrics: Iterable[Metric]) -> set[str]:
    """Return the datasets that metrics are computed from."""
    families = [family for metric in metrics for family in families_of(metric)]
    return {name for family in families for name in _datasets(family)}


def find_metrics(connection: Connection) -> dict[str, Metric]:
    """Return the metrics whose tables exist in a dataset that rest_conf.yml exposes."""
    families = {family.table: family for m in all_metrics().values() for family in families_of(m)}
    names = sorted({name for family in families.values() for name in _tables(family)})
    rows = connection.execute(
        "SELECT name FROM unnest(%s::text[]) AS name WHERE to_regclass(name) IS NOT NULL", [names]
    )
    present = {name for (name,) in rows}
    exposed = set(settings.CONFIG.datasets)
    usable = {
        table
        for table, family in families.items()
        if exposed.issuperset(_datasets(family)) and present.issuperset(_tables(family))
    }
    return {
        name: metric
        for name, metric in all_metrics().items()
        if all(family.table in usable for family in families_of(metric))
    }


def discover(
    connection: Connection, datasets: Collection[str], *, max_intervals: int
) -> MetricsDiscovery:
    """Return the metrics of these datasets, and since when: one query for each table."""
    firsts: dict[int, datetime | None] = {}
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    dimensions: dict[str, None] = {}
    filters: dict[str, None] = {}
    now = datetime.now(UTC)
    for metric in find_metrics(connection).values():
        if not datasets_of([metric]) <= set(datasets):
            continue
        try:
            since = _since(connection, metric, firsts, now)
        except psycopg.errors.UndefinedColumn as error:
            # The table does not have the columns that the definition names.
            logger.warning("metric unusable", extra={"metric": metric.name, "error": str(error)})
            continue
        intervals = tuple(map(str, metric.intervals))
        groups.setdefault((since, intervals), []).append(metric.name)
        for family in families_of(metric):
            dimensions |= dict.fromkeys(family.dimensions)
            filters |= dict.fromkeys([*family.dimensions, *family.filters])
    return MetricsDiscovery(
        metrics=[
            MetricGroup(name=names, since=since, intervals=list(intervals))
            for (since, intervals), names in groups.items()
        ],
        max_intervals=max_intervals,
        dimensions=list(dimensions),
        filters=list(filters),
    )


def _since(
    connection: Connection, metric: Metric, firsts: dict[int, datetime | None], now: datetime
) -> str:
    """Return the start of the metric's first interval with data, of the current one without."""
    moments = []
    for family in families_of(metric):
        if id(family) not in firsts:
            row = connection.execute(compose_since(family)).fetchone()
            firsts[id(family)] = row[0] if row else None
        moments.append(firsts[id(family)])
    known = [moment for moment in moments if moment is not None]
    first = max(min(known, default=now), datetime(FIRST_YEAR, 1, 1, tzinfo=UTC))
    return format_timestamp(floor_timestamp(first, metric.intervals[0], UTC), UTC)


def _datasets(family: Family) -> set[str]:
    own = family.dataset or family.table.partition(".")[0]
    return {own, *(source.partition(".")[0] for source in family.sources)}


def _tables(family: Family) -> list[str]:
    return [family.table, *family.sources]
