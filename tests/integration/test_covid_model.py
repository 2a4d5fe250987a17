"""The publisher's whole file, published: every figure against a plain model of it."""

import gzip
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec
import pytest
import yaml
from django.test import Client

from apis.covid.refresh.refresh import refresh_api
from tests.covid import (
    DATA,
    DEFINITIONS,
    MAPPINGS,
    Row,
    add_definitions,
    add_rows,
    read_final,
    read_json,
    stored,
)
from tests.needs import need

DAY = timedelta(days=1)
FIGURES = ("positive", "death", "total_test_results")

Series = dict[date, int]


@pytest.fixture
def final(database: None) -> list[Row]:
    """Publish the publisher's final files; return the states' rows."""
    need(DATA.exists(), f"the data in {DATA} is not there")
    rows = read_final()
    add_rows("states", list(_map("states_info", read_json("states_info.json"))))
    add_rows("population", list(_list_population()))
    days = read_json("us_daily.json")
    add_rows("us_daily", list(_map("us_daily", [r | {"date": str(r["date"])} for r in days])))
    add_rows("states_daily", rows)
    add_definitions()
    refresh_api(datetime(2021, 3, 8, tzinfo=UTC))
    return rows


def _map(mapping: str, rows: list[Row]) -> Iterator[Row]:
    columns = yaml.safe_load((MAPPINGS / f"{mapping}.yml").read_text())["columns"]
    for row in rows:
        yield {column: row.get(source["field"]) for column, source in columns.items()}


def _list_population() -> Iterator[Row]:
    for row in read_json("census_population_state.json"):
        yield {"area": row["state"], "population": row["population"]}
    yield {"area": "US", "population": read_json("census_population_us.json")["population"]}


def read(path: str) -> list[Row]:
    """Return an answer's data; a large answer comes in pieces, and compressed."""
    answer = Client().get(f"/covid/v2/{path}", headers={"Accept-Encoding": "gzip"})
    text = answer.getvalue()
    if answer.headers.get("Content-Encoding") == "gzip":
        text = gzip.decompress(text)
    rows: list[Row] = msgspec.json.decode(text)["data"]
    return rows


def half_up(value: Decimal, digits: int) -> float:
    return float(value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


def expect(series: Series, day: date, kind: str, population: int) -> Any:
    """Return what is to be published of a series on a day, computed as one would by hand."""
    computed: dict[str, Any] = {}
    value = series.get(day)
    if kind == "current":
        week = [series.get(day - n * DAY) for n in range(7)]
        known = [each for each in week if each is not None]
        is_whole = value is not None and len(known) == 7
        computed["average_7_day"] = half_up(Decimal(sum(known)) / 7, 2) if is_whole else None
    if value is None:
        missing = ("population_percent", "change_from_prior_day", "change_7_day_percent")
        return {"value": None, "computed": computed | dict.fromkeys(missing)}
    before, week_before = series.get(day - DAY), series.get(day - 7 * DAY)
    computed["population_percent"] = half_up(Decimal(100 * value) / population, 4)
    computed["change_from_prior_day"] = None if before is None else value - before
    computed["change_7_day_percent"] = (
        half_up(Decimal(100 * (value - week_before)) / week_before, 1)
        if week_before is not None and week_before > 0
        else None
    )
    return {"value": value, "computed": computed}


def list_series(rows: list[Row]) -> dict[tuple[str, str], Series]:
    """Return each state's values of each column by day."""
    found: dict[tuple[str, str], Series] = defaultdict(dict)
    for row in rows:
        if row["positive"] is not None and row["negative"] is not None:
            row = row | {"positive_negative": row["positive"] + row["negative"]}
        day = date.fromisoformat(row["date"])
        for column, value in row.items():
            if isinstance(value, int):
                found[row["state"], column][day] = value
    return found


@pytest.mark.slow
def test_every_figure_of_every_state_and_day(final: list[Row]) -> None:
    definitions = [
        each
        for each in msgspec.json.decode(DEFINITIONS.read_bytes())
        if each.get("published_for") != "us" and "source_column" in each
    ]
    assert len(definitions) == 36
    population = {row["area"]: row["population"] for row in _list_population()}
    series = list_series(final)
    published = read("states/history")
    assert len(published) == len(final) == 20_780
    for row in published:
        state, day = row["state"], date.fromisoformat(row["date"][:10])
        for definition in definitions:
            category, name, kind = definition["field"].split(".")
            values = series[state, definition["source_column"]]
            expected = expect(values, day, kind, population[state])
            assert row[category][name][kind] == expected, (state, day, definition["field"])
    check_the_nation()
    check_choices(published)
    check_one_state_at_a_time(published)


def check_the_nation() -> None:
    """The states add up to the nation's own figures on each of its days."""
    (status,) = read("status")
    assert status["sums"] == [
        {"figure": figure, "days": 420, "equal_days": 420} for figure in FIGURES
    ]
    nation = {row["date"]: row for row in read_json("us_daily.json")}
    rows = read("us/history/simple")
    assert len(rows) == 420
    sums = {
        day: values
        for day, *values in stored(
            "SELECT to_char(date, 'YYYYMMDD')::int, coalesce(sum(positive), 0)::int,"
            " coalesce(sum(death), 0)::int, coalesce(sum(total_test_results), 0)::int"
            " FROM covid.states_daily GROUP BY date"
        )
    }
    for row in rows:
        given = nation[int(row["date"][:10].replace("-", ""))]
        published = [
            row["cases"]["cases"]["cumulative"],
            row["outcomes"]["death"]["cumulative"],
            row["tests"]["total_test_results"]["cumulative"],
        ]
        assert published == [given["positive"], given["death"], given["totalTestResults"]]
        assert [value or 0 for value in published] == sums[given["date"]]


def check_choices(published: list[Row]) -> None:
    """Totals name the longest series and the one the state prefers."""
    chosen = {row["state"]: row["tests"]["total_test_results"] for row in published}
    assert len(chosen) == 56
    assert chosen["CA"] == {"complete_field": "tests.viral", "preferred_field": "tests.viral"}
    wanted = {
        "totalTestsViral": "tests.viral",
        "totalTestEncountersViral": "tests.viral_encounters",
        "totalTestsPeopleViral": "tests.viral_people",
        "posNeg": "tests.positive_negative",
    }
    days: dict[str, dict[str, int]] = {state: dict.fromkeys(wanted.values(), 0) for state in chosen}
    for row in published:
        for field in wanted.values():
            figure = row["tests"][field.removeprefix("tests.")]["cumulative"]
            days[row["state"]][field] += figure["value"] is not None
    for info in read_json("states_info.json"):
        state = info["state"]
        longest = max(days[state].values())
        choice = chosen[state]
        assert days[state][choice["complete_field"]] == longest
        preferred = wanted[info["covidTrackingProjectPreferredTotalTestField"]]
        is_long = days[state][preferred] > 120
        assert choice["preferred_field"] == (preferred if is_long else choice["complete_field"])


def check_one_state_at_a_time(published: list[Row]) -> None:
    """A state's own history is its part of everybody's."""
    for state in ("CA", "AS", "WA"):
        assert read(f"state/{state}/history") == [row for row in published if row["state"] == state]
