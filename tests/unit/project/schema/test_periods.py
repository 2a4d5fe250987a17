"""The calendar's periods, and which partitions are missing."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from project.base.config import Partitioning
from project.schema.partitions import Partition, PartitionedTable, plan_partitions
from project.schema.periods import Every, following, name_of, preceding, start_of

NOW = datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC)
EVERY = st.sampled_from(["day", "week", "month", "year"])
MOMENTS = st.datetimes(
    min_value=NOW.replace(year=1970, tzinfo=None),
    max_value=NOW.replace(year=2200, tzinfo=None),
    timezones=st.just(UTC),
)


@pytest.mark.parametrize(
    ("every", "start", "name"),
    [
        ("day", datetime(2026, 11, 22, tzinfo=UTC), "2026_11_22"),
        ("week", datetime(2026, 11, 16, tzinfo=UTC), "2026_w47"),
        ("month", datetime(2026, 11, 1, tzinfo=UTC), "2026_11"),
        ("year", datetime(2026, 1, 1, tzinfo=UTC), "2026"),
    ],
)
def test_a_period_has_a_start_and_a_name(every: Every, start: datetime, name: str) -> None:
    assert start_of(NOW, every) == start
    assert name_of(start, every) == name


def test_a_week_has_the_name_of_its_year() -> None:
    assert name_of(start_of(datetime(2027, 1, 1, tzinfo=UTC), "week"), "week") == "2026_w53"


@given(MOMENTS, EVERY)
def test_periods_follow_each_other_without_a_gap(moment: datetime, every: Every) -> None:
    start = start_of(moment, every)
    after = following(start, every)
    assert start <= moment < after
    assert preceding(after, every) == start
    assert start_of(after - timedelta(microseconds=1), every) == start
    assert name_of(start, every) != name_of(after, every)


def month(year: int, number: int, months: int = 1) -> Partition:
    low = datetime(year, number, 1, tzinfo=UTC)
    high = low
    for _ in range(months):
        high = following(high, "month")
    return Partition(f"p{year}_{number}", takes_the_rest=False, low=low, high=high)


def plan(*partitions: Partition, name: str = "events") -> list[str]:
    table = PartitionedTable("mds", name, "event_time", partitions)
    wanted = plan_partitions(table, Partitioning(every="month", ahead=2, keep=None), NOW)
    return [one.name for one in wanted]


REST = Partition("rest", takes_the_rest=True, low=None, high=None)


def test_the_present_period_and_so_many_coming_ones_are_made() -> None:
    assert plan() == plan(REST) == ["events_2026_11", "events_2026_12", "events_2027_01"]


def test_what_another_partition_holds_is_not_made_again() -> None:
    assert plan(month(2026, 11), month(2026, 12), month(2027, 1)) == []
    assert plan(month(2026, 10, months=3)) == ["events_2027_01"]
    assert plan(Partition("all", takes_the_rest=False, low=None, high=None)) == []
    assert plan(Partition("later", takes_the_rest=False, low=month(2026, 12).low, high=None)) == [
        "events_2026_11"
    ]


def test_a_long_name_leaves_room_for_the_period() -> None:
    (first, *_) = plan(name="é" * 31)
    assert first == "é" * 27 + "_2026_11"
    assert len(first.encode()) <= 63
