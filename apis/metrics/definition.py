"""Metrics as they are declared in files; docs/metrics.md says what each key means."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from apis.metrics.errors import DefinitionInvalid
from apis.metrics.time.durations import Duration, DurationInvalid, parse_duration

MetricName = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9_\[\].]*\Z")]
TableName = Annotated[str, Meta(pattern=r"\A[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*\Z")]
Word = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9_]*\Z")]
DataType = Literal["integer", "float"]
SpanValue = Literal["avg", "min", "max", "start", "seconds", "subjects"]
SPAN_VALUES = frozenset(get_args(SpanValue))


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A mapping in a definition file: no other key is allowed."""


class Entry(_Part, frozen=True):
    """One metric over a table."""

    value: str  # an SQL aggregate, or a `SpanValue` where rows last for a time
    type: DataType
    empty: Literal[0] | None = None  # the value without rows; that of an integer is 0
    where: str | None = None  # spans: those that count
    unless: str | None = None  # subjects: not those with a span like this in the interval
    trips: str | None = None  # SQL aggregate: the number of trips behind the value, for redaction


class Family(_Part, frozen=True):
    """Metrics over one table and one time."""

    table: TableName
    time: str  # SQL: when a row happened, or began
    intervals: Annotated[list[str], Meta(min_length=1)]
    metrics: Annotated[dict[MetricName, Entry], Meta(min_length=1)]
    join: str = ""  # SQL: what follows the table's name
    time_zone: str | None = None  # of a time that is a timestamp without one
    until: str | None = None  # SQL: when it ended, where rows last for a time
    subject: str | None = None  # SQL: what `subjects` counts
    dataset: Word | None = None  # where the rows come from, unless that is the table's schema
    sources: list[TableName] = []  # tables that must be there, beside `table`
    dimensions: dict[Word, str] = {}  # SQL of each
    filters: dict[Word, str] = {}  # SQL of those that are no dimensions
    each: dict[Word, Annotated[list[Word], Meta(min_length=1)]] = {}


class RatioEntry(_Part, frozen=True):
    """A metric that divides the sum of some by the sum of others."""

    of: Annotated[list[MetricName], Meta(min_length=1)]
    to: Annotated[list[MetricName], Meta(min_length=1)]


class ExtremeEntry(_Part, frozen=True):
    """A metric that is the least or the most of another over shorter intervals."""

    choose: Literal["min", "max"]
    of: MetricName
    over: str
    intervals: Annotated[list[str], Meta(min_length=1)]


class Combinations(_Part, frozen=True):
    """Metrics that are computed from other metrics."""

    ratios: dict[MetricName, RatioEntry] = {}
    extremes: dict[MetricName, ExtremeEntry] = {}


@dataclass(frozen=True, eq=False, kw_only=True)
class Metric:
    """What every metric has."""

    name: str
    data_type: DataType
    intervals: tuple[Duration, ...]  # ascending
    dimensions: frozenset[str]
    filters: frozenset[str]


@dataclass(frozen=True, eq=False, kw_only=True)
class Aggregate(Metric):
    """A metric that is computed by the database from one table."""

    family: Family
    entry: Entry

    @property
    def empty(self) -> int | None:
        """Its value where there is nothing to compute it from."""
        counts = self.entry.value in SPAN_VALUES or self.data_type == "integer"
        return 0 if counts else self.entry.empty


@dataclass(frozen=True, eq=False, kw_only=True)
class Ratio(Metric):
    """The sum of some metrics divided by the sum of others; null where that is 0."""

    of: tuple[Aggregate, ...]
    to: tuple[Aggregate, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class Extreme(Metric):
    """The least or the most of a metric over the shorter intervals of an interval."""

    choose: Literal["min", "max"]
    of: Aggregate
    over: Duration


def read_definitions(folder: Path) -> dict[str, Metric]:
    """Return every metric by its name, in the order of the files; raise `DefinitionInvalid`."""
    metrics: dict[str, Metric] = {}
    combined: list[tuple[str, Combinations]] = []
    for path in sorted(folder.glob("*.yml")):
        text = path.read_bytes()
        try:
            if b"\ntable:" in b"\n" + text:
                family = msgspec.yaml.decode(text, type=Family)
                _add(metrics, path.name, _aggregates(family))
            else:
                combined.append((path.name, msgspec.yaml.decode(text, type=Combinations)))
        except (msgspec.DecodeError, DurationInvalid) as error:
            raise DefinitionInvalid(f"{path.name}: {error}") from error
    for name, combinations in combined:
        _add(metrics, name, _combine(metrics, name, combinations))
    return metrics


def _add(metrics: dict[str, Metric], file: str, found: Iterator[Metric]) -> None:
    for metric in found:
        if metric.name in metrics:
            raise DefinitionInvalid(f"{file}: {metric.name} is declared twice")
        metrics[metric.name] = metric


def _aggregates(family: Family) -> Iterator[Aggregate]:
    intervals = _intervals(family.intervals)
    dimensions = frozenset(family.dimensions)
    for pattern, entry in family.metrics.items():
        for name, text in _expand(pattern, entry, family.each):
            if (family.until is not None) != (text.value in SPAN_VALUES):
                raise DefinitionInvalid(f"{name}: {text.value!r} does not fit its table")
            yield Aggregate(
                name=name,
                data_type=text.type,
                intervals=intervals,
                dimensions=dimensions,
                filters=dimensions | frozenset(family.filters),
                family=family,
                entry=text,
            )


def _expand(pattern: str, entry: Entry, each: dict[str, list[str]]) -> Iterator[tuple[str, Entry]]:
    """Yield a metric for each word that `[placeholder]` in its name stands for."""
    placeholder = re.search(r"\[(\w+)\]", pattern)
    if placeholder is None:
        yield pattern, entry
        return
    if placeholder[1] not in each:
        raise DefinitionInvalid(f"{pattern}: `each` does not say what {placeholder[0]} stands for")
    for word in each[placeholder[1]]:
        texts = {
            key: text.replace(placeholder[0], word)
            for key in ("value", "where", "unless", "trips")
            if (text := getattr(entry, key)) is not None
        }
        yield pattern.replace(placeholder[0], word), msgspec.structs.replace(entry, **texts)


def _intervals(texts: list[str]) -> tuple[Duration, ...]:
    durations = {parse_duration(text) for text in texts}
    return tuple(sorted(durations, key=lambda duration: duration.rough_minutes))


def _combine(metrics: dict[str, Metric], file: str, combinations: Combinations) -> Iterator[Metric]:
    def find(name: str) -> Aggregate:
        metric = metrics.get(name)
        if not isinstance(metric, Aggregate):
            raise DefinitionInvalid(f"{file}: there is no metric {name!r} over a table")
        return metric

    for name, ratio in combinations.ratios.items():
        of, to = tuple(map(find, ratio.of)), tuple(map(find, ratio.to))
        parts = of + to
        yield Ratio(
            name=name,
            data_type="float",
            intervals=tuple(
                one for one in of[0].intervals if all(one in part.intervals for part in parts)
            ),
            dimensions=frozenset.intersection(*(part.dimensions for part in parts)),
            filters=frozenset.intersection(*(part.filters for part in parts)),
            of=of,
            to=to,
        )
    for name, extreme in combinations.extremes.items():
        inner = find(extreme.of)
        yield Extreme(
            name=name,
            data_type=inner.data_type,
            intervals=_intervals(extreme.intervals),
            dimensions=inner.dimensions,
            filters=inner.filters,
            choose=extreme.choose,
            of=inner,
            over=parse_duration(extreme.over),
        )
