"""The query parameters of the closure endpoints."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import QueryDict

from ingest.loaders.socrata.restriction import Condition
from project.base.errors import BadParameter
from project.http.pagination import read_number
from reports.closure.tallies import GROUP_COLUMNS, check_keys

WEEKS = 12
MOST_WEEKS = 5200
MOST_ROWS = 10_000
_KNOWN = {"group_by", "weeks", "since", "arithmetic", "limit", "offset"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosureParameters:
    """The parameters of a request, checked."""

    weeks: int | None  # None: since is given
    since: datetime | None  # floating, or with an offset
    arguments: dict[str, Any]  # of the statistics' functions
    limit: int
    offset: int


def read_parameters(query: QueryDict) -> ClosureParameters:
    """Read the query; a column of requests restricts to its value, given twice to either one."""
    for name in query:
        if name not in _KNOWN and name not in GROUP_COLUMNS:
            raise BadParameter(f"There is no parameter {name[:100]!r} here", parameter=name[:100])
    if "since" in query and "weeks" in query:
        raise BadParameter("Give weeks or since, not both", parameter="since")
    arithmetic = query.get("arithmetic", "calendar")
    if arithmetic not in {"calendar", "week_of_year"}:
        raise BadParameter("arithmetic must be calendar or week_of_year", parameter="arithmetic")
    group_key = check_keys(query.get("group_by", "agency").split(","))
    weeks = read_number(query, "weeks", WEEKS, low=1, high=MOST_WEEKS)
    return ClosureParameters(
        weeks=None if "since" in query else weeks,
        since=_timestamp(query.get("since")),
        arguments={
            "group_key": group_key,
            "restrict_clause": _conditions(query),
            "arithmetic": arithmetic,
        },
        limit=read_number(query, "limit", MOST_ROWS, low=1, high=MOST_ROWS),
        offset=read_number(query, "offset", 0, low=0, high=10**12),
    )


def _conditions(query: QueryDict) -> tuple[Condition, ...]:
    names = [name for name in query if name in GROUP_COLUMNS]
    for name in names:
        if len(query.getlist(name)) > 1000 or any("\0" in text for text in query.getlist(name)):
            raise BadParameter(f"{name} has values that cannot be", parameter=name)
    return tuple(Condition(name, "in", tuple(query.getlist(name))) for name in names)


def _timestamp(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        # A plus that was not escaped arrives as a space.
        timestamp = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    except ValueError as error:
        raise BadParameter(
            "since must be a day or moment such as 2024-01-31T08:00:00", parameter="since"
        ) from error
    if not 1900 <= timestamp.year <= 9000:
        raise BadParameter("since must be from 1900 to 9000", parameter="since")
    return timestamp
