"""The computation of a query: each metric by interval and combination of dimensions."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection

from apis.metrics.computation.statements import Statement, compose_statements
from apis.metrics.computation.vehicle_states import TABLE as STATES
from apis.metrics.computation.vehicle_states import refresh_state_intervals
from apis.metrics.definition import Aggregate, Extreme, Metric, Ratio
from apis.metrics.errors import QueryInvalid
from apis.metrics.queries import Query
from apis.metrics.time.durations import Duration
from apis.metrics.time.grids import Grid, TooManyIntervals, divide_grid
from apis.metrics.time.timestamps import format_timestamp

Number = int | float | None
Combination = tuple[str | None, ...]

REDACTED = -1  # MDS 2.0, section Data Redaction


@dataclass
class Cells:
    """The values of metrics on one grid, by metric, interval and combination of dimensions."""

    grid: Grid
    values: dict[tuple[str, int, Combination], Number] = field(default_factory=dict)
    trips: dict[tuple[str, int, Combination], int] = field(default_factory=dict)
    combinations: set[Combination] = field(default_factory=set)

    def add_rows(self, statement: Statement, rows: Iterable[tuple[Any, ...]], width: int) -> None:
        """Add the rows of a statement; `width` is the number of dimensions."""
        first_support = 1 + width + len(statement.metrics)
        for row in rows:
            index = row[0] - 1 if isinstance(row[0], int) else self.grid.positions[row[0]]
            combination = tuple(None if v is None else str(v) for v in row[1 : 1 + width])
            self.combinations.add(combination)
            for metric, value in zip(statement.metrics, row[1 + width :], strict=False):
                self.values[metric.name, index, combination] = value
            for metric, count in zip(statement.support, row[first_support:], strict=True):
                self.trips[metric.name, index, combination] = count

    def value(self, metric: Aggregate, index: int, combination: Combination) -> Number:
        """Return a value, the metric's `empty` where there are no rows."""
        return self.values.get((metric.name, index, combination), metric.empty)

    def is_small(self, metric: Aggregate, index: int, combination: Combination, k: int) -> bool:
        """Return whether the value is of fewer than `k` trips."""
        if not (k and metric.entry.trips):
            return False
        return self.trips.get((metric.name, index, combination), 0) < k


class Computation:
    """The computation of one query."""

    def __init__(self, query: Query, *, k: int, max_intervals: int, max_rows: int) -> None:
        self._query = query
        self._k = k
        self._max_intervals = max_intervals
        self._max_rows = max_rows
        self._cells = Cells(query.grid)
        self._divided: dict[Duration, Cells] = {}

    def run(self, connection: Connection) -> list[list[Any]]:
        """Return the rows: the interval's start, the dimensions, the metrics.

        All statements see the same snapshot. Raises `QueryInvalid` for too many rows.
        """
        plan = self._plan()
        if any(m.family.table == STATES for _, metrics in plan for m in metrics):
            refresh_state_intervals(connection)
        with connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            for cells, metrics in plan:
                self._fill(connection, cells, metrics)
        return self._make_rows()

    def _plan(self) -> list[tuple[Cells, list[Aggregate]]]:
        needed: dict[str, Aggregate] = {}
        plan = [(self._cells, needed)]
        for metric in self._query.metrics:
            match metric:
                case Aggregate():
                    needed[metric.name] = metric
                case Ratio():
                    needed |= {part.name: part for part in metric.of + metric.to}
                case Extreme():
                    if metric.over not in self._divided:
                        self._divided[metric.over] = self._divide(metric)
                        plan.append((self._divided[metric.over], {}))
                    shorter = next(p for cells, p in plan if cells is self._divided[metric.over])
                    shorter[metric.of.name] = metric.of
        return [(cells, list(metrics.values())) for cells, metrics in plan if metrics]

    def _divide(self, metric: Extreme) -> Cells:
        try:
            grid = divide_grid(
                self._query.grid, metric.over, self._query.zone, limit=self._max_intervals
            )
        except TooManyIntervals as error:
            raise QueryInvalid(
                f"{metric.name} looks at intervals of {metric.over}: {error}", field="end_date"
            ) from error
        return Cells(grid)

    def _fill(self, connection: Connection, cells: Cells, metrics: list[Aggregate]) -> None:
        redacts = bool(self._k)
        for statement in compose_statements(metrics, cells.grid, self._query, counts_trips=redacts):
            rows = connection.execute(statement.text, statement.parameters)
            cells.add_rows(statement, rows, len(self._query.dimensions))

    def _make_rows(self) -> list[list[Any]]:
        combinations = self._combinations()
        starts = self._query.grid.starts
        if len(combinations) * len(starts) > self._max_rows:
            raise QueryInvalid(
                f"the answer would have more than {self._max_rows} rows", field="dimensions"
            )
        return [
            [
                format_timestamp(start, self._query.zone),
                *combination,
                *(self._value(metric, index, combination) for metric in self._query.metrics),
            ]
            for index, start in enumerate(starts)
            for combination in combinations
        ]

    def _combinations(self) -> list[Combination]:
        if not self._query.dimensions:
            return [()]
        found = self._cells.combinations.union(*(c.combinations for c in self._divided.values()))
        return sorted(found, key=lambda values: [(v is None, v or "") for v in values])

    def _value(self, metric: Metric, index: int, combination: Combination) -> Number:
        match metric:
            case Aggregate():
                if self._cells.is_small(metric, index, combination, self._k):
                    return REDACTED
                return self._cells.value(metric, index, combination)
            case Ratio():
                return self._divide_sums(metric, index, combination)
            case Extreme():
                return self._choose(metric, index, combination)
        raise TypeError(metric.name)

    def _divide_sums(self, metric: Ratio, index: int, combination: Combination) -> Number:
        parts = metric.of + metric.to
        if any(self._cells.is_small(part, index, combination, self._k) for part in parts):
            return REDACTED
        of = [self._cells.value(part, index, combination) or 0 for part in metric.of]
        to = [self._cells.value(part, index, combination) or 0 for part in metric.to]
        return sum(of) / sum(to) if sum(to) else None

    def _choose(self, metric: Extreme, index: int, combination: Combination) -> Number:
        cells = self._divided[metric.over]
        starts = (*self._query.grid.starts, self._query.grid.end)
        first = cells.grid.positions[starts[index]]
        following = cells.grid.positions.get(starts[index + 1], len(cells.grid.starts))
        values = [cells.value(metric.of, part, combination) for part in range(first, following)]
        numbers = [value for value in values if value is not None]
        if not numbers:
            return None
        return min(numbers) if metric.choose == "min" else max(numbers)
