"""The calendar's periods that tables are partitioned by: days, weeks, months, years in UTC."""

from datetime import UTC, datetime, timedelta
from typing import Literal

Every = Literal["day", "week", "month", "year"]

# strftime of a period's first day, as the end of its partition's name.
_NAMES = {"day": "%Y_%m_%d", "week": "%G_w%V", "month": "%Y_%m", "year": "%Y"}


def start_of(moment: datetime, every: Every) -> datetime:
    """Return the beginning of the period that a moment is in; a week begins on Monday."""
    day = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    match every:
        case "day":
            return day
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "year":
            return day.replace(month=1, day=1)


def following(start: datetime, every: Every) -> datetime:
    """Return the beginning of the next period."""
    # Two of the shortest periods are longer than the longest one.
    longest = {"day": 1, "week": 7, "month": 31, "year": 366}[every]
    return start_of(start + timedelta(days=longest), every)


def preceding(start: datetime, every: Every) -> datetime:
    """Return the beginning of the period before."""
    return start_of(start - timedelta(days=1), every)


def name_of(start: datetime, every: Every) -> str:
    """Return what tells a period's partition from the others: 2026_11, 2026_w47."""
    return start.strftime(_NAMES[every])
