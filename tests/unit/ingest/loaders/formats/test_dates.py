"""Dates in a file's own pattern become ISO 8601, or stay as they are."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.loaders.formats.dates import DatePatternInvalid, check_pattern, date_converter


@given(st.datetimes(min_value=datetime(1, 1, 1)))  # noqa: DTZ001 - zones are not the matter
def test_a_timestamp_keeps_its_moment(moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    text = f"{moment.month}/{moment.day}/{moment.year:04} {moment:%I:%M:%S %p}"
    assert date_converter("%m/%d/%Y %I:%M:%S %p", "timestamp")(text) == moment.isoformat()


def test_an_offset_is_kept() -> None:
    convert = date_converter("%d.%m.%Y %H:%M %z", "timestamp")
    assert convert("24.12.2021 18:00 +0130") == "2021-12-24T18:00:00+01:30"


@pytest.mark.parametrize(
    "text", ["", "2021-12-24", "31.02.2021", "24.12.21", "24.12.2021 ", "24.12.2021 10:00"]
)
def test_what_does_not_fit_the_pattern_stays(text: str) -> None:
    assert date_converter("%d.%m.%Y", "date")(text) == text


def test_a_time_of_day_is_not_cut_off_a_date() -> None:
    convert = date_converter("%d.%m.%Y %H:%M", "date")
    assert convert("24.12.2021 00:00") == "2021-12-24"
    assert convert("24.12.2021 00:01") == "24.12.2021 00:01"


@pytest.mark.parametrize(
    "pattern",
    [
        "%H:%M",
        "%m/%Y",
        "%d.%m",
        "%m/%d/%Y %I:%M",
        "%m/%d/%Y %H:%M %p",
        "%m/%d/%Y %Z",
        "%Y%m%d %q",
        "%Y%m%d %",
        "plain",
    ],
)
def test_a_pattern_that_guesses_is_refused(pattern: str) -> None:
    with pytest.raises(DatePatternInvalid):
        check_pattern(pattern)


@pytest.mark.parametrize("pattern", ["%d.%m.%y", "%m/%d/%y %H:%M", "%x", "%Y %x", "%d.%m.%Y %y"])
def test_a_century_is_not_guessed(pattern: str) -> None:
    with pytest.raises(DatePatternInvalid, match="century"):
        check_pattern(pattern)


@pytest.mark.parametrize("pattern", ["%m/%d/%Y", "%d %b %Y %H:%M:%S.%f%z", "%Y-%j", "%B %d, %Y"])
def test_a_whole_pattern_is_taken(pattern: str) -> None:
    check_pattern(pattern)
