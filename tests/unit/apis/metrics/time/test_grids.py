"""The grid of intervals, also on days that are not 24 hours long."""

from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apis.metrics.time.durations import Duration, parse_duration
from apis.metrics.time.grids import TooManyIntervals, divide_grid, floor_timestamp, make_grid

NEW_YORK = ZoneInfo("America/New_York")
MINUTE = timedelta(minutes=1)
EPOCH = datetime(2009, 1, 1, tzinfo=UTC)

# Clocks that jump over midnight, repeat it, shift by 30 minutes or leave a whole day out.
ZONES = [
    *("UTC", "America/New_York", "America/Sao_Paulo", "America/Havana", "Asia/Beirut"),
    *("Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "Europe/Lisbon"),
]
DURATIONS = ["PT15M", "PT1H", "PT4H", "P1D", "P1W", "P1M", "P3M"]


def edges_by_the_clock(
    start: datetime, end: datetime, minutes: int, zone: tzinfo
) -> list[datetime]:
    """Walk minute by minute from the start of a day; 0 minutes: whole days."""
    edges = []
    day = (start - MINUTE).astimezone(zone).date()
    passed = 0
    for count in range(int((end - start) / MINUTE) + 1):
        moment = start + MINUTE * count
        if moment.astimezone(zone).date() != day:
            day, passed = moment.astimezone(zone).date(), 0
        if passed == 0 or (minutes and passed % minutes == 0):
            edges.append(moment)
        passed += 1
    return edges


def changes_of(zone_name: str, year: int) -> list[datetime]:
    """Return the hours before which the zone's clock was changed in a year."""
    zone = ZoneInfo(zone_name)
    hours = [datetime(year, 1, 1, tzinfo=UTC) + timedelta(hours=n) for n in range(365 * 24)]
    return [
        after
        for before, after in pairwise(hours)
        if before.astimezone(zone).utcoffset() != after.astimezone(zone).utcoffset()
    ]


DST_DAYS = [
    (name, change) for name in ZONES for year in (2011, 2018) for change in changes_of(name, year)
]


@pytest.mark.parametrize(("zone_name", "change"), DST_DAYS, ids=str)
@pytest.mark.parametrize(("duration_text", "minutes"), [("PT15M", 15), ("PT4H", 240), ("P1D", 0)])
def test_edges_are_those_of_the_clock_where_it_changes(
    zone_name: str, change: datetime, duration_text: str, minutes: int
) -> None:
    zone, duration = ZoneInfo(zone_name), parse_duration(duration_text)
    start = floor_timestamp(change - timedelta(hours=20), Duration("day", 1), zone)
    last = change + timedelta(hours=20)
    grid = make_grid(duration, start, last, zone, limit=1000)
    assert [*grid.starts, grid.end] == edges_by_the_clock(start, grid.end, minutes, zone)
    assert grid.starts[-1] <= last < grid.end


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(ZONES),
    st.sampled_from(DURATIONS),
    st.integers(0, 15 * 365 * 24 * 60).map(lambda minutes: EPOCH + minutes * MINUTE),
)
def test_every_moment_is_in_one_interval(
    zone_name: str, duration_text: str, moment: datetime
) -> None:
    zone, duration = ZoneInfo(zone_name), parse_duration(duration_text)
    start = floor_timestamp(moment, duration, zone)
    grid = make_grid(duration, start, start, zone, limit=1)
    assert start <= moment < grid.end
    assert floor_timestamp(start, duration, zone) == start
    assert floor_timestamp(grid.end, duration, zone) == grid.end
    assert floor_timestamp(grid.end - MINUTE / 60, duration, zone) == start


@pytest.mark.parametrize(
    ("day", "hours"), [("2019-03-10", 23), ("2019-11-03", 25), ("2019-07-04", 24)]
)
def test_a_day_in_new_york_has_23_25_or_24_hours(day: str, hours: int) -> None:
    start = datetime.fromisoformat(f"{day}T00:00").replace(tzinfo=NEW_YORK)
    days = make_grid(parse_duration("P1D"), start, start, NEW_YORK, limit=1)
    assert days.end - days.start == timedelta(hours=hours)
    assert len(divide_grid(days, parse_duration("PT1H"), NEW_YORK, limit=100).starts) == hours


def test_the_last_moment_may_be_the_start_of_an_interval() -> None:
    start = datetime(2019, 10, 21, tzinfo=UTC)
    grid = make_grid(parse_duration("P1D"), start, start + timedelta(days=7), UTC, limit=8)
    assert len(grid.starts) == 8
    assert grid.step == timedelta(days=1)


def test_refuses_more_intervals_than_allowed() -> None:
    start = datetime(2019, 10, 21, tzinfo=UTC)
    with pytest.raises(TooManyIntervals):
        make_grid(parse_duration("PT1H"), start, start + timedelta(hours=24), UTC, limit=24)
