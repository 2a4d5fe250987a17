"""Queries, decoded and checked: every error names the field."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any, Literal, TypeVar

import msgspec

from apis.metrics.definition import Metric
from apis.metrics.errors import QueryInvalid
from apis.metrics.time.durations import Duration, parse_duration
from apis.metrics.time.grids import Grid, TooManyIntervals, floor_timestamp, make_grid
from apis.metrics.time.timestamps import find_zone, format_timestamp, parse_timestamp

Spelling = Literal["metric", "measure"]

_Read = TypeVar("_Read")


class MetricsFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One filter of a query."""

    name: str
    values: list[str]


class MetricsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The body of `POST /mds/metrics` (MDS Metrics, section Metrics Query API)."""

    metrics: list[str] | None = None
    measures: list[str] | None = None  # what MDS 2.0 calls them
    interval: str | None = None
    start_date: str | None = None
    end_date: str | None = None
    timezone: str | None = None
    dimensions: list[str] | None = None
    filters: list[MetricsFilter] | None = None


@dataclass(frozen=True, kw_only=True)
class Query:
    """What is asked for, on a grid of intervals."""

    metrics: tuple[Metric, ...]
    spelling: Spelling
    duration: Duration
    zone: tzinfo
    zone_name: str | None
    grid: Grid
    last: datetime | None  # end_date
    dimensions: tuple[str, ...]
    filters: tuple[tuple[str, tuple[str, ...]], ...]

    def describe(self) -> dict[str, Any]:
        """Return the answer's `query`: what was asked for, dates in the time zone."""
        described: dict[str, Any] = {
            "interval": str(self.duration),
            "start_date": format_timestamp(self.grid.start, self.zone),
        }
        if self.last is not None:
            described["end_date"] = format_timestamp(self.last, self.zone)
        if self.zone_name is not None:
            described["timezone"] = self.zone_name
        described[f"{self.spelling}s"] = [metric.name for metric in self.metrics]
        described["dimensions"] = list(self.dimensions)
        described["filters"] = [
            {"name": name, "values": list(values)} for name, values in self.filters
        ]
        return described


def decode_body(body: bytes) -> MetricsQuery:
    """Return the body's fields; raise `QueryInvalid` for an unknown field or a wrong type."""
    try:
        return msgspec.json.decode(body, type=MetricsQuery)
    except msgspec.ValidationError as error:
        problem, _, path = str(error).partition(" - at `$")
        field = path.rstrip("`").removeprefix(".").partition("[")[0]
        if "unknown field `" in problem:
            unknown = problem.partition("unknown field `")[2].rstrip("`")
            field = f"{field}.{unknown}" if field else unknown
        raise QueryInvalid(problem, field=field or "body") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise QueryInvalid("not JSON", field="body") from error


def read_query(body: MetricsQuery, known: Mapping[str, Metric], *, max_intervals: int) -> Query:
    """Return the query; raise `QueryInvalid` for whatever cannot be answered."""
    spelling: Spelling = "metric" if body.measures is None else "measure"
    metrics = _read_metrics(body, known, f"{spelling}s")
    duration = _parse("interval", body.interval, parse_duration)
    _check_pairs(metrics, duration)
    start = _parse("start_date", body.start_date, parse_timestamp)
    last = None
    if body.end_date is not None:
        last = _parse("end_date", body.end_date, parse_timestamp)
        if last < start:
            raise QueryInvalid("it is before start_date", field="end_date")
    zone = start.tzinfo or UTC
    if body.timezone is not None:
        zone = _parse("timezone", body.timezone, find_zone)
    return Query(
        metrics=metrics,
        spelling=spelling,
        duration=duration,
        zone=zone,
        zone_name=body.timezone,
        grid=_read_grid(duration, start, last or start, zone, max_intervals),
        last=last,
        dimensions=_read_dimensions(body.dimensions or [], metrics),
        filters=_read_filters(body.filters or [], metrics),
    )


def _read_metrics(
    body: MetricsQuery, known: Mapping[str, Metric], field: str
) -> tuple[Metric, ...]:
    if body.metrics is not None and body.measures is not None:
        raise QueryInvalid("it is another name of metrics; give one of them", field="measures")
    names = body.metrics if body.measures is None else body.measures
    if not names:
        raise QueryInvalid("at least one is required", field=field)
    _check_once(names, field)
    for name in names:
        if name not in known:
            raise QueryInvalid(f"there is no metric {name[:100]!r}", field=field)
    return tuple(known[name] for name in names)


def _parse(field: str, text: str | None, read: Callable[[str], _Read]) -> _Read:
    if text is None:
        raise QueryInvalid("it is required", field=field)
    try:
        return read(text)
    except ValueError as error:
        raise QueryInvalid(f"{text[:100]!r}: {error}", field=field) from error


def _check_pairs(metrics: Sequence[Metric], duration: Duration) -> None:
    for metric in metrics:
        if duration not in metric.intervals:
            possible = ", ".join(map(str, metric.intervals))
            raise QueryInvalid(
                f"{metric.name} has the intervals {possible}, not {duration}", field="interval"
            )


def _read_grid(
    duration: Duration, start: datetime, last: datetime, zone: tzinfo, limit: int
) -> Grid:
    floor = floor_timestamp(start, duration, zone)
    if floor != start:
        raise QueryInvalid(
            f"no interval of {duration} begins then; one begins {format_timestamp(floor, zone)}",
            field="start_date",
        )
    try:
        return make_grid(duration, start, last, zone, limit=limit)
    except TooManyIntervals as error:
        raise QueryInvalid(str(error), field="end_date") from error


def _read_dimensions(names: list[str], metrics: Sequence[Metric]) -> tuple[str, ...]:
    _check_once(names, "dimensions")
    for name in names:
        for metric in metrics:
            if name not in metric.dimensions:
                raise QueryInvalid(
                    f"{metric.name} has no dimension {name[:100]!r}", field="dimensions"
                )
    return tuple(names)


def _read_filters(
    filters: list[MetricsFilter], metrics: Sequence[Metric]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    _check_once([one.name for one in filters], "filters")
    for one in filters:
        if not one.values:
            raise QueryInvalid(f"{one.name[:100]!r} has no values", field="filters")
        if any("\0" in value for value in one.values):
            raise QueryInvalid("a value has the character U+0000", field="filters")
        for metric in metrics:
            if one.name not in metric.filters:
                raise QueryInvalid(
                    f"{metric.name} has no filter {one.name[:100]!r}", field="filters"
                )
    return tuple((one.name, tuple(one.values)) for one in filters)


def _check_once(names: Sequence[str], field: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise QueryInvalid(f"{name[:100]!r} is named twice", field=field)
        seen.add(name)
