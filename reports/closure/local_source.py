"""Closure counted in SQL over the requests that were ingested."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from psycopg import Connection, OperationalError
from psycopg.rows import RowFactory, dict_row, tuple_row
from psycopg.sql import SQL, Composable, Composed, Identifier

from ingest.loaders.socrata.restriction import Condition
from ingest.loaders.socrata.service_requests import Row, Selection
from project.base.errors import Unavailable
from project.base.sql_files import read_sql
from reports.closure.arithmetic import Arithmetic
from reports.closure.tallies import DayCount, Tally, check_keys

FOLDER = Path(__file__).parent / "sql"
_IS_CLOSED = SQL("status = 'Closed' AND closed_date IS NOT NULL")
_TABLE = Identifier("nyc311", "service_requests")
_OPERATORS = {
    **{operator: SQL(operator) for operator in ("=", "<", "<=", ">", ">=")},
    "!=": SQL("<>"),
    "in": SQL("= ANY"),
    "not in": SQL("<> ALL"),
    "is null": SQL("IS NULL"),
    "is not null": SQL("IS NOT NULL"),
}

_Values = dict[str, Any]
_Read = TypeVar("_Read")


class LocalRequests:
    """The requests in nyc311.service_requests."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def read_requests(
        self, selection: Selection, fields: Sequence[str], limit: int | None, timeout_s: float
    ) -> list[Row]:
        """Return the rows with values of Python's types, ordered by unique_key."""
        condition, values = _select(selection)
        names = SQL(", ").join(map(Identifier, fields)) if fields else SQL("*")
        query = SQL("SELECT {} FROM {} WHERE {} ORDER BY unique_key LIMIT %(limit)s").format(
            names, _TABLE, condition
        )
        return self._read(query, values | {"limit": limit}, timeout_s, dict_row)

    def tally(
        self, selection: Selection, keys: Sequence[str], arithmetic: Arithmetic, timeout_s: float
    ) -> list[Tally]:
        """Return a tally of each group."""
        rows = self._count("tally.sql", selection, keys, arithmetic, timeout_s)
        return [Tally(row[: len(keys)], *row[len(keys) :]) for row in rows]

    def count_days(
        self, selection: Selection, keys: Sequence[str], arithmetic: Arithmetic, timeout_s: float
    ) -> list[DayCount]:
        """Return each group's requests by the days they took; the selection is of closed ones."""
        rows = self._count("days.sql", selection, keys, arithmetic, timeout_s)
        return [DayCount(row[: len(keys)], *row[len(keys) :]) for row in rows]

    def find_newest(self, timeout_s: float) -> datetime | None:
        """Return the floating timestamp of the newest request, None without any."""
        query = SQL("SELECT max(created_date) FROM {}").format(_TABLE)
        ((newest,),) = self._read(query, {}, timeout_s, tuple_row)
        return newest

    def _count(
        self,
        file: str,
        selection: Selection,
        keys: Sequence[str],
        arithmetic: Arithmetic,
        timeout_s: float,
    ) -> list[tuple[Any, ...]]:
        condition, values = _select(selection)
        query = SQL(read_sql(FOLDER / file)).format(
            keys=SQL(", ").join(map(Identifier, check_keys(keys))),
            days=_days(arithmetic),
            within_a_day=_within_a_day(arithmetic),
            selection=condition,
        )
        return self._read(query, values, timeout_s, tuple_row)

    def _read(
        self, query: Composed, values: _Values, timeout_s: float, row_factory: RowFactory[_Read]
    ) -> list[_Read]:
        try:
            with (
                self._connection.transaction(),
                self._connection.cursor(row_factory=row_factory) as one,
            ):
                one.execute(
                    "SELECT set_config('statement_timeout', %s, true)", [f"{timeout_s * 1000:.0f}"]
                )
                # Not prepared: a plan for any window would not use the index for a short one.
                return one.execute(query, values, prepare=False).fetchall()
        except OperationalError as error:
            raise Unavailable("The database cannot answer this in time") from error


def _days(arithmetic: Arithmetic) -> SQL:
    if arithmetic == "calendar":
        return SQL("(closed_date::date - created_date::date)")
    return SQL(read_sql(FOLDER / "week_of_year.sql"))


def _within_a_day(arithmetic: Arithmetic) -> Composable:
    """Return the condition that a request took one day at most.

    For calendar days a comparison of timestamps, which is faster than a difference of dates.
    """
    if arithmetic == "calendar":
        return SQL("closed_date < created_date::date + 2")
    return SQL("{} <= 1").format(_days(arithmetic))


def _select(selection: Selection) -> tuple[Composed, _Values]:
    """Return the selection's WHERE clause and its parameters."""
    values: _Values = {"since": selection.since}
    parts: list[Composable] = [
        SQL("{} >= %(since)s::timestamp").format(Identifier(selection.moment_field))
    ]
    if selection.closed_only:
        parts.append(_IS_CLOSED)
    for number, condition in enumerate(selection.conditions):
        name = f"value_{number}"
        parts.append(_compare(condition, name))
        if condition.operator in {"in", "not in"}:
            values[name] = list(condition.values)
        elif condition.values:
            values[name] = condition.values[0]
    return SQL(" AND ").join(parts), values


def _compare(condition: Condition, name: str) -> Composable:
    (column,) = check_keys([condition.field])
    operator = _OPERATORS[condition.operator]
    if not condition.values:
        return SQL("{} {}").format(Identifier(column), operator)
    kind = SQL("(%({})s::text[])" if condition.operator.endswith("in") else "%({})s::text")
    return SQL("{} {} ").format(Identifier(column), operator) + kind.format(SQL(name))
