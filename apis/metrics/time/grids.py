"""The grid that intervals lie on, in a time zone.

Days begin at the first moment that bears their date, weeks on Monday, months on the first. Shorter
intervals count from the day's beginning by the time that really passes; a day that is longer or
shorter than 24 hours ends its last interval.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cached_property
from itertools import pairwise

from apis.metrics.time.durations import Duration


class TooManyIntervals(ValueError):
    """The range has more intervals than may be asked for."""


@dataclass(frozen=True)
class Grid:
    """Intervals that follow each other: their starts and the end of the last, in UTC."""

    starts: tuple[datetime, ...]
    end: datetime

    @property
    def start(self) -> datetime:
        """The start of the first interval."""
        return self.starts[0]

    @cached_property
    def step(self) -> timedelta | None:
        """The length of every interval, None where they differ."""
        lengths = {after - before for before, after in pairwise((*self.starts, self.end))}
        return lengths.pop() if len(lengths) == 1 else None

    @cached_property
    def positions(self) -> dict[datetime, int]:
        """The index of each interval by its start."""
        return {start: index for index, start in enumerate(self.starts)}


def floor_timestamp(moment: datetime, duration: Duration, zone: tzinfo) -> datetime:
    """Return the start, in UTC, of the interval that holds the moment."""
    day = moment.astimezone(zone).date()
    begin = _start_of_day(_first_day(day, duration), zone)
    if duration.unit != "minute":
        return begin
    step = timedelta(minutes=duration.count)
    return begin + (moment - begin) // step * step


def make_grid(
    duration: Duration, first: datetime, last: datetime, zone: tzinfo, *, limit: int
) -> Grid:
    """Return the intervals that begin from `first`, which is on the grid, to `last` inclusive.

    Raises `TooManyIntervals`.
    """
    starts: list[datetime] = []
    for start in _edges(duration, first.astimezone(UTC), zone):
        if start > last and starts:
            return Grid(tuple(starts), start)
        if len(starts) == limit:
            break
        starts.append(start)
    raise TooManyIntervals(f"there are more than {limit} intervals")


def divide_grid(grid: Grid, duration: Duration, zone: tzinfo, *, limit: int) -> Grid:
    """Return the shorter intervals that those of the grid are made of."""
    last = grid.end - timedelta(microseconds=1)
    return make_grid(duration, grid.start, last, zone, limit=limit)


def _edges(duration: Duration, start: datetime, zone: tzinfo) -> Iterator[datetime]:
    while True:
        day = start.astimezone(zone).date()
        following = _start_of_day(_following_day(_first_day(day, duration), duration), zone)
        if duration.unit == "minute":
            step = timedelta(minutes=duration.count)
            while start < following:
                yield start
                start += step
        else:
            yield start
        start = following


def _first_day(day: date, duration: Duration) -> date:
    """Return the first day of the week or months that hold the day."""
    if duration.unit == "week":
        return day - timedelta(days=day.weekday())
    if duration.unit == "month":
        return day.replace(month=day.month - (day.month - 1) % duration.count, day=1)
    return day


def _following_day(first: date, duration: Duration) -> date:
    if duration.unit == "month":
        months = first.month - 1 + duration.count
        return date(first.year + months // 12, months % 12 + 1, 1)
    return first + timedelta(days=7 if duration.unit == "week" else 1)


def _start_of_day(day: date, zone: tzinfo) -> datetime:
    # Where the clock jumps over midnight this is the moment it jumps.
    return datetime.combine(day, time(), zone).astimezone(UTC)
