"""Change control, day by day, as clients of the API see it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from apis.covid.refresh.refresh import refresh_api
from reports.errors import RefreshFailed
from tests.covid import add_definitions, add_rows, state_row

pytestmark = pytest.mark.usefixtures("database")

START = datetime(2020, 9, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
OLD, NEW = "cases.cases.cumulative", "cases.total.cumulative"


@pytest.fixture(autouse=True)
def live(database: None) -> None:
    """Publish the cases of one day, the day before anything changes."""
    add_rows("states", [state_row()])
    add_rows("population", [{"area": "CA", "population": 1000}])
    add_definitions(keep=["cases.cases"])
    store(-1)
    refresh_api(START - DAY)


def store(day: int) -> None:
    """Store the figures of a day, and correct those of the first one."""
    for number in {-1, day}:
        add_rows(
            "states_daily",
            [{"state": "CA", "date": f"{START + number * DAY:%Y-%m-%d}", "positive": 100 + day}],
        )


def define(field: str, **changes: Any) -> None:
    given = {"field": field, "name": field, "definition": "", "source_column": "positive"}
    defaults: dict[str, Any] = {"formerly": [], "launched_at": START.isoformat()}
    add_rows("field_definitions", [given | defaults | changes])


def pass_day(day: int) -> list[dict[str, Any]]:
    """Store the day's figures, refresh at its clock; return the rows, newest first."""
    store(day)
    refresh_api(START + day * DAY)
    rows: list[dict[str, Any]] = Client().get("/covid/v2/state/ca/history").json()["data"]
    assert rows[0]["date"][:10] == f"{START + day * DAY:%Y-%m-%d}"
    return rows


def cumulative(row: dict[str, Any], name: str) -> Any:
    category, field, kind = name.split(".")
    figure = row.get(category, {}).get(field, {}).get(kind)
    return figure["value"] if figure else "gone"


def kinds() -> list[str]:
    changes = Client().get("/covid/v2/changes").json()["data"]
    return [change["kind"] for change in changes if change["kind"] != "added"][::-1]


def note(name: str) -> Any:
    notes = Client().get("/covid/v2/state/ca").json()["meta"]["field_definitions"]
    return next((note for note in notes if note["field"] == name), None)


def ask(name: str) -> Any:
    return Client().get(f"/covid/v2/state/ca?fields={name}")


def test_a_rename_day_by_day() -> None:
    define(NEW, formerly=["positive", OLD])
    for day in range(24):
        rows = pass_day(day)
        newest, first = rows[0], rows[-1]
        assert cumulative(newest, NEW) == cumulative(first, NEW) == 100 + day
        if day < 14:  # both follow the data
            assert cumulative(newest, OLD) == cumulative(first, OLD) == 100 + day
            assert newest["cases"]["cases"]["cumulative"] == newest["cases"]["total"]["cumulative"]
            assert kinds() == ["renamed"]
        elif day < 21:  # the old name stays as it was on the day before
            assert cumulative(newest, OLD) is None
            assert cumulative(first, OLD) == 113
            assert kinds() == ["renamed", "frozen"]
        else:
            assert cumulative(newest, OLD) == "gone"
            assert kinds() == ["renamed", "frozen", "removed"]
        old, new = note(OLD), note(NEW)
        assert (old is None) == (day >= 21)
        assert old is None or old["deprecated"]
        assert (new["deprecated"], new["formerly"]) == (False, ["positive", OLD])
        check_headers(day)


def check_headers(day: int) -> None:
    """A client that asks for the former name is told, also when it is gone."""
    assert "Deprecation" not in ask(NEW).headers
    answer = ask(OLD)
    assert answer.headers["Deprecation"] == f"@{int(START.timestamp())}"
    assert answer.headers["Sunset"] == "Tue, 22 Sep 2020 12:00:00 GMT"
    assert answer.headers["Link"].startswith(
        f'</covid/v2/state/ca?fields={NEW}>; rel="successor-version"'
    )
    (row,) = answer.json()["data"]
    assert cumulative(row, OLD) == (100 + day if day < 14 else None if day < 21 else "gone")
    assert cumulative(row, NEW) == (100 + day if day >= 21 else "gone")


def test_a_removal_day_by_day() -> None:
    add_definitions(keep=[OLD], removed_at=START.isoformat())
    for day in range(24):
        rows = pass_day(day)
        newest, first = rows[0], rows[-1]
        if day < 14:  # no updates from the announcement on
            assert cumulative(newest, OLD) is None
            assert cumulative(first, OLD) == 99
            assert kinds() == ["removal_announced"]
        elif day < 21:
            assert first["cases"]["cases"]["cumulative"] == {
                "value": 0,
                "computed": {
                    "population_percent": 0,
                    "change_from_prior_day": None,
                    "change_7_day_percent": None,
                },
            }
            assert kinds() == ["removal_announced", "zeroed"]
        else:
            assert cumulative(newest, OLD) == "gone"
            assert kinds() == ["removal_announced", "zeroed", "removed"]
            assert ask(OLD).status_code == 400
            continue
        assert note(OLD)["deprecated"]
        assert ask(OLD).headers["Sunset"] == "Tue, 22 Sep 2020 12:00:00 GMT"


def test_time_alone_makes_a_build_where_a_stage_begins() -> None:
    define(NEW, formerly=[OLD])
    outcomes = [refresh_api(START + hours * DAY / 2).outcome for hours in range(60)]
    built = [place / 2 for place, outcome in enumerate(outcomes) if outcome == "refreshed"]
    assert built == [0, 14, 21]


def test_a_field_frozen_without_a_build_before_has_the_figures_of_that_moment() -> None:
    define(NEW, launched_at=(START - 10 * DAY).isoformat(), removed_at=START.isoformat())
    rows = pass_day(1)
    assert cumulative(rows[0], NEW) == cumulative(rows[-1], NEW) == 101
    rows = pass_day(2)
    assert (cumulative(rows[0], NEW), cumulative(rows[-1], NEW)) == (None, 101)


def test_a_withdrawn_removal_brings_the_figures_back() -> None:
    add_definitions(keep=[OLD], removed_at=START.isoformat())
    assert cumulative(pass_day(1)[0], OLD) is None
    add_definitions(keep=[OLD], removed_at=None)
    assert cumulative(pass_day(2)[0], OLD) == 102
    assert kinds() == []


def test_a_new_field_is_there_with_the_next_build_and_told() -> None:
    define("outcomes.death.cumulative", source_column="death", launched_at=START.isoformat())
    assert "outcomes" not in Client().get("/covid/v2/state/ca").json()["data"][0]
    assert "outcomes" in pass_day(0)[0]
    newest = Client().get("/covid/v2/changes").json()["data"][0]
    assert (newest["kind"], newest["field"]) == ("added", "outcomes.death.cumulative")
    assert newest["date"] == "2020-09-01T12:00:00Z"


def test_a_planned_field_waits_for_its_day() -> None:
    define("outcomes.death.cumulative", launched_at=(START + 3 * DAY).isoformat())
    assert ["outcomes" in pass_day(day)[0] for day in (2, 3)] == [False, True]


def test_a_field_whose_column_does_not_exist_is_not_published() -> None:
    define("cases.wild.cumulative", source_column="no_such_column")
    define("cases.letters.cumulative", source_column="state")
    assert set(pass_day(1)[0]["cases"]) == {"cases"}


def test_contradicting_definitions_leave_the_old_build_and_are_told() -> None:
    define("cases.cases", source_column=None)
    with pytest.raises(RefreshFailed, match="is a total that names other fields"):
        refresh_api(START)
    assert Client().get("/covid/v2/state/ca").status_code == 200
    (status,) = Client().get("/covid/v2/status").json()["data"]
    assert status["health"] == "failing"
    assert status["last_error"].startswith("cases.cases is a total")
    assert status["build_time"] == "2020-08-31T12:00:00Z"
