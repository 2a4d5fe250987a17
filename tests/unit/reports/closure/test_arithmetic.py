import pytest

from reports.closure.arithmetic import is_closed, time_to_closure

# created, closed, calendar days, days by the week of the year
CASES = [
    ("2024-05-10T23:59:00.000", "2024-05-11T00:01:00.000", 1, 1),
    ("2024-05-10T00:00:00.000", "2024-05-10T23:59:59.000", 0, 0),
    ("2024-05-05T10:00:00.000", "2024-05-06T10:00:00.000", 1, 1),  # Sunday to Monday
    ("2022-12-31T22:00:00.000", "2023-01-01T02:00:00.000", 1, 366),  # week 52 to week 52
    ("2021-12-31T22:00:00.000", "2022-01-03T02:00:00.000", 3, 4),
    ("2012-11-20T08:18:37.000", "1900-01-01T00:00:00.000", -41231, -41203),
]


@pytest.mark.parametrize(("created", "closed", "calendar", "by_weeks"), CASES)
def test_days_are_those_of_the_calendar_unless_the_original_arithmetic_is_asked_for(
    created: str, closed: str, calendar: int, by_weeks: int
) -> None:
    row = {"created_date": created, "closed_date": closed, "status": "Closed"}
    assert time_to_closure(row) == calendar
    assert time_to_closure(row, "week_of_year") == by_weeks


def test_a_request_is_closed_with_the_status_and_a_date() -> None:
    row = {"created_date": "2024-05-10T08:00:00", "status": "Closed"}
    assert not is_closed(row)
    assert not is_closed(row | {"closed_date": "2024-05-10T09:00:00", "status": "Pending"})
    assert is_closed(row | {"closed_date": "2024-05-10T09:00:00"})
    assert time_to_closure(row) is None
