"""Closure statistics, under the names that the library they replace gave them.

Each function has two sources and returns the same rows: with a `SodaClient` (or None) Socrata
counts, with a database connection PostgreSQL counts what was ingested. `group_key` names columns,
`restrict_clause` is a `Restriction`, `timeout` is in seconds, `data_limit` the most rows returned,
`frame` asks for a DataFrame. Rows are in the order of their group.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from ingest.loaders.socrata.client import TIMEOUT_S
from ingest.loaders.socrata.restriction import Restriction, read_restriction
from ingest.loaders.socrata.service_requests import NEW_YORK, Row, Selection, Since, read_since
from reports.closure.arithmetic import Arithmetic, is_closed, time_to_closure
from reports.closure.frames import Frame, as_frame
from reports.closure.sources import Client, closure_source
from reports.closure.tallies import DayCount, Tally, check_keys

AGENCY = ("agency",)
_COUNTS = ("total", "closed", "perc_closed")
_TIMES = ("days_to_closure", "number_of_records", "closed_before_created")
_SHARES = (
    *("number_of_records", "closed_within_a_day"),
    *("overall_closed_within_a_day", "closed_before_created"),
)
_RAW = ("unique_key", "created_date", "closed_date", "status")


def pull_agg_closure_statistics_created_since(
    since: Since,
    client: Client = None,
    timeout: float = TIMEOUT_S,
    group_key: Sequence[str] = AGENCY,
    restrict_clause: Restriction = None,
    frame: Frame = "rows",
) -> Any:
    """Return how many requests of each group were closed, and which share that is."""
    tallies = _tally(since, client, timeout, group_key, restrict_clause, "calendar")
    return _as_frame(tallies, group_key, _COUNTS, frame)


def pull_raw_time_to_closure_statistics_created_since_closed_only(
    since: Since,
    client: Client = None,
    timeout: float = TIMEOUT_S,
    group_key: Sequence[str] = AGENCY,
    data_limit: int | None = None,
    restrict_clause: Restriction = None,
    arithmetic: Arithmetic = "calendar",
    frame: Frame = "rows",
) -> Any:
    """Return each closed request with the days it took, by its number."""
    keys = check_keys(group_key)
    fields = list(dict.fromkeys([*_RAW, *keys]))
    selection = _select(since, restrict_clause, closed_only=True)
    with closure_source(client) as source:
        found = source.read_requests(selection, fields, data_limit, timeout)
    rows = [_as_closed(row, fields, arithmetic) for row in found]
    columns = [*fields, "is_closed", "days_to_closure"]
    return as_frame(sorted(rows, key=lambda row: int(row["unique_key"])), columns, frame)


def pull_agg_time_to_closure_statistics_created_since_closed_only(
    since: Since,
    client: Client = None,
    timeout: float = TIMEOUT_S,
    group_key: Sequence[str] = AGENCY,
    restrict_clause: Restriction = None,
    arithmetic: Arithmetic = "calendar",
    frame: Frame = "rows",
) -> Any:
    """Return the mean days to closure of each group's closed requests."""
    tallies = _tally(since, client, timeout, group_key, restrict_clause, arithmetic)
    return _as_frame([tally for tally in tallies if tally.closed], group_key, _TIMES, frame)


def pull_full_closure_statistics_since_date(
    since: Since,
    client: Client = None,
    timeout: float = TIMEOUT_S,
    group_key: Sequence[str] = AGENCY,
    restrict_clause: Restriction = None,
    arithmetic: Arithmetic = "calendar",
    frame: Frame = "rows",
) -> Any:
    """Return the share of closed requests and the mean days to closure of each group."""
    tallies = _tally(since, client, timeout, group_key, restrict_clause, arithmetic)
    window = {"created_after_timestamp": format_timestamp(read_since(since))}
    return _as_frame(tallies, group_key, _COUNTS + _TIMES, frame, window)


def pull_full_closure_statistics_since_x_weeks(
    weeks: int,
    client: Client = None,
    timeout: float = TIMEOUT_S,
    group_key: Sequence[str] = AGENCY,
    restrict_clause: Restriction = None,
    arithmetic: Arithmetic = "calendar",
    frame: Frame = "rows",
    now: datetime | None = None,
) -> Any:
    """Return the same for the past weeks, counted from now in New York."""
    since, window = _past(weeks, now)
    tallies = _tally(since, client, timeout, group_key, restrict_clause, arithmetic)
    return _as_frame(tallies, group_key, _COUNTS + _TIMES, frame, window)


def pull_daily_closure_statistics_since_x_weeks(
    weeks: int,
    client: Client = None,
    timeout: float = TIMEOUT_S,
    group_key: Sequence[str] = AGENCY,
    data_limit: int | None = None,
    restrict_clause: Restriction = None,
    arithmetic: Arithmetic = "calendar",
    frame: Frame = "rows",
    now: datetime | None = None,
) -> Any:
    """Return how many closed requests of each group took how many days: a histogram."""
    since, window = _past(weeks, now)
    keys = check_keys(group_key)
    selection = _select(since, restrict_clause, closed_only=True)
    with closure_source(client) as source:
        counts = source.count_days(selection, keys, arithmetic, timeout)
    rows = [
        dict(zip(keys, count.keys, strict=True))
        | {"days_to_closure": count.days, "number_of_records": count.requests}
        | window
        for count in sorted(counts, key=_order)
    ]
    columns = [*keys, "days_to_closure", "number_of_records", *window]
    return as_frame(rows[:data_limit], columns, frame)


def pull_closed_within_a_day_stats_since_x_weeks(
    weeks: int,
    client: Client = None,
    timeout: float = TIMEOUT_S,
    group_key: Sequence[str] = AGENCY,
    data_limit: int | None = None,
    restrict_clause: Restriction = None,
    arithmetic: Arithmetic = "calendar",
    frame: Frame = "rows",
    now: datetime | None = None,
) -> Any:
    """Return which share of each group's closed requests was closed within a day, and of all."""
    since, window = _past(weeks, now)
    tallies = _tally(since, client, timeout, group_key, restrict_clause, arithmetic)
    closed = [tally for tally in tallies if tally.closed][:data_limit]
    return _as_frame(closed, group_key, _COUNTS + _SHARES, frame, window)


def find_weeks_end(client: Client = None, timeout: float = TIMEOUT_S) -> datetime:
    """Return the end of the weeks to report on: there are requests in the last of them.

    That is the date of the newest request, in New York's time; now, where there is none or its date
    is in the future.
    """
    now = read_since(datetime.now(NEW_YORK))
    with closure_source(client) as source:
        newest = source.find_newest(timeout)
    return min(now, newest) if newest else now


def format_timestamp(timestamp: datetime) -> str:
    """Return a floating timestamp as Socrata writes it."""
    return timestamp.isoformat(timespec="milliseconds")


def _past(weeks: int, now: datetime | None) -> tuple[datetime, Row]:
    since = read_since(now or datetime.now(NEW_YORK)) - timedelta(weeks=weeks)
    shown = format_timestamp(since)
    return since, {"created_after_timestamp": shown, "past_number_of_weeks": weeks}


def _select(since: Since, restriction: Restriction, *, closed_only: bool) -> Selection:
    conditions = read_restriction(restriction)
    for condition in conditions:
        check_keys([condition.field])
    return Selection(since=read_since(since), conditions=conditions, closed_only=closed_only)


def _tally(
    since: Since,
    client: Client,
    timeout: float,
    group_key: Sequence[str],
    restriction: Restriction,
    arithmetic: Arithmetic,
) -> list[Tally]:
    selection = _select(since, restriction, closed_only=False)
    with closure_source(client) as source:
        tallies = source.tally(selection, check_keys(group_key), arithmetic, timeout)
    return sorted(tallies, key=_order)


def _order(counted: Tally | DayCount) -> list[tuple[bool, str | int]]:
    keys: list[tuple[bool, str | int]] = [(key is None, key or "") for key in counted.keys]
    return [*keys, (False, counted.days)] if isinstance(counted, DayCount) else keys


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _overall(tally: Tally) -> float | None:
    within = _share(tally.within_a_day, tally.closed)
    return None if within is None else within * (tally.closed / tally.total)


_FIGURES: dict[str, Callable[[Tally], int | float | None]] = {
    "total": lambda tally: tally.total,
    "closed": lambda tally: tally.closed,
    "perc_closed": lambda tally: _share(tally.closed, tally.total),
    "days_to_closure": lambda tally: _share(tally.days, tally.closed),
    "number_of_records": lambda tally: tally.closed,
    "closed_before_created": lambda tally: tally.before_created,
    "closed_within_a_day": lambda tally: _share(tally.within_a_day, tally.closed),
    "overall_closed_within_a_day": _overall,
}


def _as_frame(
    tallies: Iterable[Tally],
    keys: Sequence[str],
    figures: Sequence[str],
    frame: Frame,
    window: Row | None = None,
) -> Any:
    """Return a row for each tally: its keys, these figures, and the window of time."""
    window = window or {}
    columns = [*keys, *figures, *window]
    values = [
        (*tally.keys, *(_FIGURES[name](tally) for name in figures), *window.values())
        for tally in tallies
    ]
    return as_frame([dict(zip(columns, row, strict=True)) for row in values], columns, frame)


def _as_closed(row: Row, fields: Sequence[str], arithmetic: Arithmetic) -> Row:
    """Return a request in the form that both sources share."""
    same: Row = {name: row.get(name) for name in fields}
    same["unique_key"] = str(same["unique_key"])
    for name in ("created_date", "closed_date"):
        same[name] = format_timestamp(read_since(same[name]))
    days = time_to_closure(same, arithmetic)
    return same | {"is_closed": is_closed(same), "days_to_closure": days}
