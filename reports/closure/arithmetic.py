"""When a service request counts as closed, and how many days that took."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal

# calendar: days between the two dates. week_of_year: as the library that this replaces counts,
# which is wrong across the end of a year; kept to compare with the figures it published.
Arithmetic = Literal["calendar", "week_of_year"]


def is_closed(row: Mapping[str, Any]) -> bool:
    """Return whether the request has the status Closed and a date when it was closed."""
    return row.get("status") == "Closed" and bool(row.get("closed_date"))


def time_to_closure(row: Mapping[str, Any], arithmetic: Arithmetic = "calendar") -> int | None:
    """Return the days from created to closed, None unless closed; negative if closed before."""
    if not is_closed(row):
        return None
    created, closed = _read_date(row["created_date"]), _read_date(row["closed_date"])
    if arithmetic == "calendar":
        return (closed - created).days
    return _day_of_weeks(closed) - _day_of_weeks(created)


def _day_of_weeks(day: date) -> int:
    """Number the day by its year, the ISO week and the weekday, as if a year had 365 days."""
    _, week, weekday = day.isocalendar()
    return day.year * 365 + week * 7 + weekday


def _read_date(value: datetime | str) -> date:
    timestamp = datetime.fromisoformat(value) if isinstance(value, str) else value
    return timestamp.date()
