"""project.base.schedule: five-field expressions in a time zone."""

from datetime import UTC, datetime

import pytest

from project.base.schedule import BadSchedule, Schedule, check_expression


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "expression",
    [
        "* * * * *",
        "*/15 * * * *",
        "0 2 1,15 jan-mar mon-fri",
        "5-50/5 0 * * sun",
        "0 0 * * SAT,sun",
    ],
)
def test_accepts_five_fields_with_weekday_names(expression: str) -> None:
    check_expression(expression)


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("0 2 * *", "five fields"),
        ("0 0 2 * * *", "five fields"),
        ("@daily", "five fields"),
        ("0 2 * * 1", "by name"),
        ("0 2 * * mon-5", "by name"),
        ("0 2 * * mon#2", "by name"),
        ("0 2 L * *", "not a day"),
        ("60 2 * * *", "Bad minute"),
        ("0 24 * * *", "Bad hour"),
        ("0 2 30 feb *", "Bad day"),
        ("*/0 * * * *", "Bad minute"),
        ("x * * * *", "not a minute"),
    ],
)
def test_refuses_anything_else_and_says_why(expression: str, reason: str) -> None:
    with pytest.raises(BadSchedule, match=reason):
        check_expression(expression)


def test_refuses_an_unknown_time_zone() -> None:
    with pytest.raises(BadSchedule, match="Mars/Olympus"):
        Schedule("* * * * *", "Mars/Olympus")


def test_the_latest_tick_is_the_moment_itself_or_before_it() -> None:
    schedule = Schedule("*/15 * * * *")
    assert schedule.latest(at("2024-05-01T10:15:00")) == at("2024-05-01T10:15:00")
    assert schedule.latest(at("2024-05-01T10:15:00.5")) == at("2024-05-01T10:15:00")
    assert schedule.latest(at("2024-05-01T10:14:59.9")) == at("2024-05-01T10:00:00")
    assert schedule.following(at("2024-05-01T10:15:00")) == at("2024-05-01T10:30:00")


def test_a_schedule_is_read_in_its_time_zone_summer_and_winter() -> None:
    schedule = Schedule("0 2 * * mon", "America/New_York")
    assert schedule.latest(at("2024-07-09T00:00:00")) == at("2024-07-08T06:00:00")
    assert schedule.latest(at("2024-01-09T00:00:00")) == at("2024-01-08T07:00:00")


def test_an_hour_that_summer_time_skips_or_repeats_gives_one_tick_a_day() -> None:
    schedule = Schedule("30 2 * * *", "Europe/Berlin")
    for month, day in ((3, 31), (10, 27)):
        minutes = [
            datetime(2024, month, day, hour, minute, tzinfo=UTC)
            for hour in range(6)
            for minute in range(0, 60, 5)
        ]
        first = schedule.latest(datetime(2024, month, day - 1, 12, tzinfo=UTC))
        ticks = {tick for moment in minutes if (tick := schedule.latest(moment)) > first}
        assert len(ticks) == 1


def test_weekdays_become_numbers_in_a_crontab() -> None:
    schedule = Schedule("0 2 * * mon-fri,sun")
    assert schedule.for_cron("UTC") == "0 2 * * 1-5,0"


def test_cron_in_another_time_zone_is_told_to_call_every_hour_or_minute() -> None:
    schedule = Schedule("30 2 * * *", "Europe/Berlin")
    assert schedule.for_cron("UTC") == "30 * * * *"
    assert schedule.for_cron("Asia/Kolkata") == "* * * * *"
    assert schedule.for_cron(None) == "* * * * *"
