"""SQL that computes metrics of one family over one grid.

Expressions come from definition files; what comes with a request is always a parameter.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, LiteralString

from psycopg.sql import SQL, Composable, Composed, Identifier, Literal, Placeholder

from apis.metrics.definition import Aggregate, Family
from apis.metrics.queries import Query
from apis.metrics.time.grids import Grid
from project.base.sql_files import read_sql

FOLDER = Path(__file__).parent / "sql"
MINUTE_CEILING: LiteralString = (
    "date_bin('1 minute', {} + interval '1 minute' - interval '1 microsecond', %(start)s)"
)


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A query whose rows are an interval, the dimensions, then a value for each metric.

    The interval is its start or its number, counted from 1. After the values stand, for the metrics
    in `support`, the numbers of trips they are computed from.
    """

    text: Composed
    parameters: dict[str, Any]
    metrics: tuple[Aggregate, ...]
    support: tuple[Aggregate, ...] = ()


def compose_statements(
    metrics: Iterable[Aggregate], grid: Grid, query: Query, *, counts_trips: bool
) -> list[Statement]:
    """Return the statements that compute the metrics: one a family and kind.

    `counts_trips` is for the redaction of small numbers of trips.
    """
    groups: dict[tuple[int, str], list[Aggregate]] = {}
    for metric in metrics:
        groups.setdefault((id(metric.family), _kind(metric)), []).append(metric)
    return [
        _COMPOSERS[kind](_Parts(group[0].family, grid, query, counts_trips), tuple(group))
        for (_, kind), group in groups.items()
    ]


def compose_since(family: Family) -> Composed:
    """Return a query for the first moment of the family's rows, null where there is none."""
    return SQL("SELECT {} FROM {}").format(
        _moment(family, SQL("min({})").format(_sql(family.time))), _table(family)
    )


def _kind(metric: Aggregate) -> str:
    if metric.family.until is None:
        return "rows"
    return {"subjects": "subjects", "seconds": "seconds"}.get(metric.entry.value, "snapshots")


class _Parts:
    """The clauses that the statements of a family are composed of."""

    def __init__(self, family: Family, grid: Grid, query: Query, counts_trips: bool) -> None:
        self.family = family
        self.grid = grid
        self.names = [Identifier(name) for name in query.dimensions]
        self.expressions = [_sql(family.dimensions[name]) for name in query.dimensions]
        self._filters = query.filters
        self.counts_trips = counts_trips
        self.time = _moment(family, _sql(family.time))

    @property
    def dimensions(self) -> Composed:
        """Each dimension under its name, with a comma after it."""
        return _each(
            SQL("({}) AS {}, ").format(expression, name)
            for expression, name in zip(self.expressions, self.names, strict=True)
        )

    @property
    def commas(self) -> Composed:
        """The names of the dimensions, with a comma after each."""
        return _each(SQL("{}, ").format(name) for name in self.names)

    @property
    def conditions(self) -> list[Composed]:
        """What the filters ask for."""
        known = self.family.dimensions | self.family.filters
        return [
            SQL("({})::text = ANY({})").format(_sql(known[name]), Placeholder(f"filter_{number}"))
            for number, (name, _) in enumerate(self._filters)
        ]

    @property
    def groups(self) -> Composed:
        """The interval and the dimensions, which every statement selects first."""
        return SQL(", ").join(Literal(number + 1) for number in range(len(self.names) + 1))

    def interval(self, moment: Composable) -> Composed:
        """Return SQL of the interval a moment is in."""
        if self.grid.step is not None:
            return SQL("date_bin(%(step)s, {}, %(start)s)").format(moment)
        return SQL("width_bucket({}, %(starts)s::timestamptz[])").format(moment)

    @property
    def parameters(self) -> dict[str, Any]:
        return {
            "start": self.grid.start,
            "end": self.grid.end,
            "starts": list(self.grid.starts),
            "step": self.grid.step,
        } | {f"filter_{number}": list(values) for number, (_, values) in enumerate(self._filters)}


def _compose_rows(parts: _Parts, metrics: tuple[Aggregate, ...]) -> Statement:
    family = parts.family
    support = tuple(m for m in metrics if parts.counts_trips and m.entry.trips)
    values: list[Composable] = [_value(metric, _sql(metric.entry.value)) for metric in metrics]
    values += [_sql(metric.entry.trips or "") for metric in support]
    near = Composed([])
    if family.time_zone:
        near = _and(
            [_read("near.sql").format(time=_sql(family.time), zone=Literal(family.time_zone))]
        )
    text = _read("rows.sql").format(
        interval=parts.interval(parts.time),
        dimensions=parts.dimensions,
        values=SQL(", ").join(values),
        table=_table(family),
        join=_sql(family.join),
        time=parts.time,
        near=near,
        filters=_and(parts.conditions),
        groups=parts.groups,
    )
    return Statement(text=text, parameters=parts.parameters, metrics=metrics, support=support)


def _compose_sweep(
    parts: _Parts, metrics: tuple[Aggregate, ...], rounded: LiteralString
) -> Statement:
    family = parts.family
    wheres = list(dict.fromkeys(metric.entry.where or "true" for metric in metrics))
    numbers = {where: Identifier(f"number_{number}") for number, where in enumerate(wheres)}
    begun = SQL("greatest({}, %(start)s)").format(parts.time)
    ended = SQL("least({}, %(end)s)").format(_sql(family.until or ""))
    conditions = [*parts.conditions, _any(map(_sql, wheres))]
    partition = SQL("PARTITION BY {} ").format(SQL(", ").join(parts.names))
    text = _read("sweep.sql").format(
        dimensions=parts.dimensions,
        weights=_list("coalesce(({where})::int, 0) AS {number}", numbers),
        begun=SQL(rounded).format(begun),
        ended=SQL(rounded).format(ended),
        table=_table(family),
        join=_sql(family.join),
        alias=Identifier(family.table.partition(".")[2]),
        time=parts.time,
        until=_sql(family.until or ""),
        filters=_and(conditions),
        names=parts.commas,
        rises=_list("sum({number}) AS {number}", numbers),
        falls=_list("-sum({number})", numbers),
        zeros=_list("0", numbers),
        sums=_list("sum({number}) AS {number}", numbers),
        running=_list("sum({number}) OVER by_time AS {number}", numbers),
        partition=partition if parts.names else SQL(""),
        interval=parts.interval(Identifier("moment")),
        values=SQL(", ").join(
            _value(
                metric,
                SQL(_SWEPT[metric.entry.value]).format(numbers[metric.entry.where or "true"]),
            )
            for metric in metrics
        ),
        groups=parts.groups,
    )
    return Statement(text=text, parameters=parts.parameters, metrics=metrics)


def _compose_subjects(parts: _Parts, metrics: tuple[Aggregate, ...]) -> Statement:
    family = parts.family
    wanted = _flag("wanted", [metric.entry.where or "true" for metric in metrics])
    excluded = _flag("excluded", [metric.entry.unless or "false" for metric in metrics])
    pairs = wanted + excluded
    text = _read("subjects.sql").format(
        subject=_sql(family.subject or ""),
        kept=SQL(" AND ").join([SQL("true"), *parts.conditions]),
        dimensions=parts.dimensions,
        conditions=_join("({}) AS {}", pairs),
        time=parts.time,
        until=_sql(family.until or ""),
        relevant=_any(condition for condition, _ in pairs),
        table=_table(family),
        join=_sql(family.join),
        names=parts.commas,
        gathered=_join("bool_or({0}) AS {0}", [(name,) for _, name in pairs]),
        grouped_names=_each(SQL(", {}").format(name) for name in parts.names),
        judged=_join(
            "{0} AND NOT bool_or({1}) OVER everywhere AS {0}",
            [(name, bar) for (_, name), (_, bar) in zip(wanted, excluded, strict=True)],
        ),
        values=_join("count(*) FILTER (WHERE {})", [(name,) for _, name in wanted]),
    )
    return Statement(text=text, parameters=parts.parameters, metrics=metrics)


_COMPOSERS: dict[str, Callable[[_Parts, tuple[Aggregate, ...]], Statement]] = {
    "rows": _compose_rows,
    "snapshots": partial(_compose_sweep, rounded=MINUTE_CEILING),
    "seconds": partial(_compose_sweep, rounded="{}"),
    "subjects": _compose_subjects,
}
_SWEPT: dict[str, LiteralString] = {
    "avg": "sum({0} * seconds) / sum(seconds)",
    "min": "min({0})",
    "max": "max({0})",
    "start": "(array_agg({0} ORDER BY moment))[1]",
    "seconds": "sum({0} * seconds)",
}


def _flag(name: str, conditions: list[str]) -> list[tuple[SQL, Identifier]]:
    return [(_sql(one), Identifier(f"{name}_{number}")) for number, one in enumerate(conditions)]


def _sql(expression: str) -> SQL:
    """Return an expression of a definition file, which is part of the program."""
    return SQL(expression.replace("%", "%%"))


def _read(name: str) -> SQL:
    return SQL(read_sql(FOLDER / name))


def _table(family: Family) -> Identifier:
    return Identifier(*family.table.split("."))


def _moment(family: Family, time: Composable) -> Composable:
    if family.time_zone is None:
        return time
    return SQL("({} AT TIME ZONE {})").format(time, Literal(family.time_zone))


def _value(metric: Aggregate, expression: Composable) -> Composed:
    cast_to = SQL("bigint" if metric.data_type == "integer" else "float8")
    return SQL("({})::{}").format(expression, cast_to)


def _each(parts: Iterable[Composable]) -> Composed:
    return Composed(list(parts))


def _and(conditions: Sequence[Composable]) -> Composed:
    return _each(SQL(" AND ({})").format(condition) for condition in conditions)


def _any(conditions: Iterable[Composable]) -> Composed:
    return SQL(" OR ").join(SQL("({})").format(condition) for condition in conditions)


def _list(template: LiteralString, numbers: dict[str, Identifier]) -> Composed:
    return SQL(", ").join(
        SQL(template).format(number=number, where=_sql(where)) for where, number in numbers.items()
    )


def _join(template: LiteralString, pieces: Iterable[tuple[Composable, ...]]) -> Composed:
    return SQL(", ").join(SQL(template).format(*piece) for piece in pieces)
