"""W3C DateTime values and ranges as periods, also against a brute-force model."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apis.open311.search.dates import Period, parse_period

NEW_YORK = ZoneInfo("America/New_York")


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2010", utc(2010, 1, 1), utc(2011, 1, 1)),
        ("2010-12", utc(2010, 12, 1), utc(2011, 1, 1)),
        ("2012-02", utc(2012, 2, 1), utc(2012, 3, 1)),
        ("2010-05-26", utc(2010, 5, 26), utc(2010, 5, 27)),
        ("2010-05-23;2010-05-29", utc(2010, 5, 23), utc(2010, 5, 30)),
        ("2010-05-26T21Z", utc(2010, 5, 26, 21), utc(2010, 5, 26, 22)),
        ("2010-05-26T21:05Z", utc(2010, 5, 26, 21, 5), utc(2010, 5, 26, 21, 6)),
        (
            "2010-05-26T21:00:00Z;2010-05-26T22:00:00Z",
            utc(2010, 5, 26, 21),
            utc(2010, 5, 26, 22, 0, 1),
        ),
        ("2010-05-26T21:05:06+02:00", utc(2010, 5, 26, 19, 5, 6), utc(2010, 5, 26, 19, 5, 7)),
        ("2010-05-26T21:05:06 02:00", utc(2010, 5, 26, 19, 5, 6), utc(2010, 5, 26, 19, 5, 7)),
        ("2010-05-26T23:59-00:30", utc(2010, 5, 27, 0, 29), utc(2010, 5, 27, 0, 30)),
        (
            "2010-05-26T21:05:06.5Z",
            utc(2010, 5, 26, 21, 5, 6, 500000),
            utc(2010, 5, 26, 21, 5, 6, 600000),
        ),
        ("2010;2010-05-26", utc(2010, 1, 1), utc(2010, 5, 27)),
    ],
)
def test_a_value_stands_for_all_of_what_it_names(text: str, start: datetime, end: datetime) -> None:
    assert parse_period(text, UTC) == Period(start, end)


def test_a_date_without_an_offset_is_of_the_citys_own_zone() -> None:
    assert parse_period("2010-05-26", NEW_YORK) == Period(utc(2010, 5, 26, 4), utc(2010, 5, 27, 4))
    short = parse_period("2010-03-14", NEW_YORK)
    assert short.end - short.start == timedelta(hours=23)


@pytest.mark.parametrize(
    "text",
    [
        *("", ";", "2010;", ";2010", "2010;2011;2012", "10", "2010-5", "2010-13", "2010-02-30"),
        *("2010-05-26 21:00:00Z", "2010-05-26T25:00Z", "2010-05-26T21:60Z", "2010-05-26T21:00:60Z"),
        *("2010-05-26T21:00:00+15:00", "0000", "2011;2010", "today", "２０１０", "2010\n"),
    ],
)
def test_refuses_what_is_no_date(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_period(text, UTC)


# A value's text at each precision, and the pattern its moments have when they are written out.
PRECISIONS = {
    "%Y": "year",
    "%Y-%m": "month",
    "%Y-%m-%d": "day",
    "%Y-%m-%dT%HZ": "hour",
    "%Y-%m-%dT%H:%MZ": "minute",
    "%Y-%m-%dT%H:%M:%SZ": "second",
}
moments = st.integers(0, 40 * 366 * 86400 * 1000).map(
    lambda ms: utc(1990, 1, 1) + timedelta(milliseconds=ms)
)


def written(moment: datetime, form: str) -> str:
    return moment.strftime(form)


@given(moments, st.sampled_from(list(PRECISIONS)), moments)
def test_a_moment_is_in_a_value_exactly_if_it_is_written_the_same(
    named: datetime, form: str, moment: datetime
) -> None:
    period = parse_period(written(named, form), UTC)
    for each in (moment, named, period.start, period.end, period.end - timedelta(microseconds=1)):
        assert (period.start <= each < period.end) == (written(each, form) == written(named, form))


@given(moments, moments, st.sampled_from(list(PRECISIONS)), st.sampled_from(list(PRECISIONS)))
def test_a_range_is_from_the_start_of_the_first_to_the_end_of_the_last(
    one: datetime, other: datetime, first_form: str, last_form: str
) -> None:
    first, last = sorted((one, other))
    start = parse_period(written(first, first_form), UTC).start
    whole = parse_period(written(last, last_form), UTC)
    text = f"{written(first, first_form)};{written(last, last_form)}"
    if whole.start < start:
        with pytest.raises(ValueError, match="before"):
            parse_period(text, UTC)
    else:
        assert parse_period(text, UTC) == Period(start, whole.end)
