"""The sample rows of the covid dataset."""

from collections import Counter
from itertools import groupby

from db_setup.covid.sample import BAD_EVERY, DAYS, STATES, SUMMED, rows


def test_the_same_seed_gives_the_same_rows() -> None:
    assert list(rows(1)) == list(rows(1))
    assert list(rows(1)) != list(rows(2))


def test_rows_come_after_those_they_refer_to() -> None:
    tables = [table for table, _ in groupby(rows(1), key=lambda pair: pair[0])]
    assert tables == [
        *("states", "population", "field_definitions", "changes", "states_daily", "us_daily")
    ]


def test_there_is_a_row_for_each_state_and_day_and_some_are_bad() -> None:
    codes = {code for code, *_ in STATES}
    daily = [row for table, row in rows(1) if table == "states_daily"]
    assert len(daily) == DAYS * len(STATES)
    bad = [
        row
        for row in daily
        if row["state"] not in codes
        or row["date"] == "2020-02-30"
        or row["death"] < 0
        or not isinstance(row["positive"], int)
    ]
    assert len(bad) == len(daily) // BAD_EVERY


def test_the_nation_s_days_are_the_sums_of_the_states() -> None:
    nation = {row["date"]: row for table, row in rows(1) if table == "us_daily"}
    assert len(nation) == DAYS
    counted = Counter[tuple[str, str]]()
    for table, row in rows(1):
        if table == "states_daily" and row["date"] == "2020-04-05":
            counted.update({("2020-04-05", name): row[name] for name in SUMMED})
    assert {name: nation["2020-04-05"][name] for name in SUMMED} == {
        name: count for (_, name), count in counted.items()
    }
