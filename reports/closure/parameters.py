"""The query parameters of the closure endpoints."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.http import QueryDict

from ingest.loaders.socrata.conditions import Condition
from project.base.errors import RowhouseError
from reports.closure.etl import Arithmetic
from reports.closure.tallies import GROUP_COLUMNS, check_keys

WEEKS = 12
MOST_WEEKS = 5200
MOST_ROWS = 10_000
_KNOWN = {"group_by", "weeks", "since", "arithmetic", "limit", "offset"}


class ParameterInvalid(RowhouseError):
    """A query parameter has a value that is not allowed."""

    code = "bad_parameter"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosureParameters:
    """What is asked for."""

    group_by: tuple[str, ...]
    weeks: int | None  # None: since is given
    since: datetime | None  # floating, or with an offset
    conditions: tuple[Condition, ...]
    arithmetic: Arithmetic
    limit: int
    offset: int

    def as_arguments(self) -> dict[str, Any]:
        """Return the arguments of the statistics' functions."""
        return {
            "group_key": self.group_by,
            "restrict_clause": self.conditions,
            "arithmetic": self.arithmetic,
        }


def read_parameters(query: QueryDict) -> ClosureParameters:
    """Decode the query; columns of requests restrict, a column given twice to either value."""
    for name in query:
        if name not in _KNOWN and name not in GROUP_COLUMNS:
            raise ParameterInvalid(
                f"There is no parameter {name[:100]!r} here", parameter=name[:100]
            )
    if "since" in query and "weeks" in query:
        raise ParameterInvalid("Give weeks or since, not both", parameter="since")
    arithmetic = query.get("arithmetic", "calendar")
    if arithmetic not in {"calendar", "week_of_year"}:
        raise ParameterInvalid(
            "arithmetic must be calendar or week_of_year", parameter="arithmetic"
        )
    return ClosureParameters(
        group_by=check_keys(query.get("group_by", "agency").split(",")),
        weeks=None if "since" in query else _number(query, "weeks", WEEKS, low=1, high=MOST_WEEKS),
        since=_moment(query.get("since")),
        conditions=_conditions(query),
        arithmetic=cast("Arithmetic", arithmetic),
        limit=_number(query, "limit", MOST_ROWS, low=1, high=MOST_ROWS),
        offset=_number(query, "offset", 0, low=0, high=10**12),
    )


def _conditions(query: QueryDict) -> tuple[Condition, ...]:
    names = [name for name in query if name in GROUP_COLUMNS]
    for name in names:
        if len(query.getlist(name)) > 1000 or any("\0" in text for text in query.getlist(name)):
            raise ParameterInvalid(f"{name} has values that cannot be", parameter=name)
    return tuple(Condition(name, "in", tuple(query.getlist(name))) for name in names)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        # A plus that was not escaped arrives as a space.
        moment = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    except ValueError as error:
        raise ParameterInvalid(
            "since must be a day or moment such as 2024-01-31T08:00:00", parameter="since"
        ) from error
    if not 1900 <= moment.year <= 9000:
        raise ParameterInvalid("since must be from 1900 to 9000", parameter="since")
    return moment


def _number(query: QueryDict, name: str, default: int, *, low: int, high: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 15 and low <= int(text) <= high):
        raise ParameterInvalid(f"{name} must be a number from {low} to {high}", parameter=name)
    return int(text)
