"""`from`, `to` and `page`."""

from datetime import date

import pytest

from apis.covid.answers.ranges import Days, choose_days, read_day, read_range
from project.base.errors import BadParameter

SPAN = (date(2020, 3, 1), date(2020, 4, 9))  # forty days


def choose(**query: str) -> Days:
    asked = read_range({name.rstrip("_"): text for name, text in query.items()})
    return choose_days(asked, SPAN, 15)


def test_nothing_asked_is_everything_without_links() -> None:
    assert choose() == Days(*SPAN, None, None)


def test_pages_go_from_the_newest_day_to_the_oldest() -> None:
    found = [choose(page=str(number)) for number in (1, 2, 3)]
    assert [(days.first, days.last) for days in found] == [
        (date(2020, 3, 26), date(2020, 4, 9)),
        (date(2020, 3, 11), date(2020, 3, 25)),
        (date(2020, 3, 1), date(2020, 3, 10)),
    ]
    assert [(days.following, days.preceding) for days in found] == [
        ({"page": "2"}, None),
        ({"page": "3"}, {"page": "1"}),
        (None, {"page": "2"}),
    ]


def test_a_range_links_to_the_ranges_beside_it() -> None:
    days = choose(from_="2020-03-10", to="2020-03-12")
    assert (days.first, days.last) == (date(2020, 3, 10), date(2020, 3, 12))
    assert days.following == {"from": "2020-03-07", "to": "2020-03-09"}
    assert days.preceding == {"from": "2020-03-13", "to": "2020-03-15"}


def test_an_open_range_links_to_the_rest() -> None:
    since, until = choose(from_="2020-04-01"), choose(to="2020-03-31")
    assert (since.first, since.last, since.preceding) == (date(2020, 4, 1), SPAN[1], None)
    assert since.following == {"to": "2020-03-31"}
    assert (until.first, until.last, until.following) == (SPAN[0], date(2020, 3, 31), None)
    assert until.preceding == {"from": "2020-04-01"}


def test_a_range_may_be_paged() -> None:
    days = choose(from_="2020-03-01", to="2020-03-20", page="2")
    assert (days.first, days.last) == (date(2020, 3, 1), date(2020, 3, 5))


def test_a_range_beside_all_days_is_empty_and_has_one_page() -> None:
    days = choose(from_="2021-01-01")
    assert days.first > days.last
    assert choose(from_="2021-01-01", page="1").following is None
    with pytest.raises(BadParameter):
        choose(from_="2021-01-01", page="2")


@pytest.mark.parametrize(
    "query",
    [
        {"page": "0"},
        {"page": "-1"},
        {"page": "x"},
        {"page": "4"},
        {"page": ""},
        {"page": "9" * 5000},
        {"page": "١"},
        {"from_": "2020-13-01"},
        {"from_": "20200301"},
        {"to": "yesterday"},
        {"to": ""},
        {"from_": "2020-03-02", "to": "2020-03-01"},
    ],
)
def test_refuses_what_is_no_range(query: dict[str, str]) -> None:
    with pytest.raises(BadParameter):
        choose(**query)


def test_a_day_may_be_written_as_answers_write_it() -> None:
    assert read_day("2020-03-01T00:00:00Z", "day") == read_day("2020-03-01", "day") == SPAN[0]


def test_the_first_days_of_the_calendar_are_no_trouble() -> None:
    days = choose(from_="0001-01-01", to="2020-03-02")
    assert (days.first, days.following) == (SPAN[0], None)
    assert choose(from_="2020-03-05", to="9999-12-31").preceding is None
