"""Dates to the minute with offsets."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apis.metrics.time.timestamps import find_zone, format_timestamp, parse_timestamp

OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.integers(0, 226 * 365 * 24 * 60).map(
    lambda minutes: datetime(1973, 1, 3, tzinfo=UTC) + timedelta(minutes=minutes)
)


@given(MOMENTS, OFFSETS)
def test_a_formatted_moment_is_read_as_the_same_moment(moment: datetime, zone: timezone) -> None:
    read = parse_timestamp(format_timestamp(moment, zone))
    assert read == moment
    assert read.utcoffset() == zone.utcoffset(None)


@pytest.mark.parametrize(
    "text",
    [
        *("2019-10-21T00:00-07", "2019-10-21T00:00-0700", "2019-10-21T00:00-07:00"),
        *("2019-10-21T07:00", "2019-10-21T0700", "2019-10-21T07:00:00Z", "2019-10-21T12:30+05:30"),
    ],
)
def test_understands_every_way_to_write_a_moment(text: str) -> None:
    assert parse_timestamp(text) == datetime(2019, 10, 21, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        *("", "2019-10-21", "2019-10-21 00:00", "2019-10-21T00:00:30Z", "2019-02-30T00:00Z"),
        *(
            "2019-10-21T24:00Z",
            "2019-10-21T00:60Z",
            "2019-10-21T00:00+19",
            "2019-10-21T00:00+01:60",
        ),
        *("1900-01-01T00:00Z", "9999-01-01T00:00Z", "1571616000000", "2019-10-21T00:00Z\n"),
    ],
)
def test_refuses_any_other_text(text: str) -> None:
    with pytest.raises(ValueError, match=" "):
        parse_timestamp(text)


@pytest.mark.parametrize("offset", ["-07", "+05:30", "Z"])
def test_writes_the_shortest_offset(offset: str) -> None:
    text = f"2019-10-21T00:00{offset}"
    moment = parse_timestamp(text)
    assert format_timestamp(moment, moment.tzinfo or UTC) == text


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd", "/etc/localtime", "America"])
def test_refuses_what_is_no_time_zone(name: str) -> None:
    with pytest.raises(ValueError, match="IANA"):
        find_zone(name)
