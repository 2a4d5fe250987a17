"""GET /covid/v2/…: every endpoint, its envelope and its rows, to the letter."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from django.test import Client
from pytest_django import Settings

from apis.covid.refresh.refresh import refresh_api
from tests.covid import Row, add_definitions, add_rows, state_row

BUILT = datetime(2020, 7, 20, 14, tzinfo=UTC)
CHANGED = "2020-07-19T05:00:00Z"
LEVEL = {"population_percent": None, "change_from_prior_day": None, "change_7_day_percent": None}


@pytest.fixture(autouse=True)
def published(database: None) -> None:
    """Publish ten days of California, one of New York, and the nation's."""
    add_rows("states", [state_row(preferred_total_test_field="totalTestsViral")])
    add_rows("states", [{"state": "NY", "name": "New York", "fips": "36"}])
    add_rows(
        "population", [{"area": "CA", "population": 40_000}, {"area": "US", "population": 10**6}]
    )
    add_definitions(keep=["cases.cases", "tests.total", "tests.viral.", "outcomes.hospitalized"])
    add_rows("states_daily", [california(day) for day in range(1, 11)])
    add_rows("states_daily", [{"state": "NY", "date": "2020-07-10", "last_update": CHANGED}])
    add_rows("us_daily", [nation(day) for day in range(1, 11)])
    add_rows(
        "changes",
        [{"change_id": "hello", "changed_at": "2020-07-06T00:00:00Z", "title": "Hello"}],
    )
    refresh_api(BUILT)


def california(day: int) -> Row:
    return {
        "state": "CA",
        "date": f"2020-07-{day:02}",
        "positive": 100 * day,
        "positive_increase": 10 * day,
        "total_tests_viral": 1000 * day,
        "hospitalized_currently": 50 - day,
        "last_update": CHANGED,
    }


def nation(day: int) -> Row:
    figures = {"positive": 100 * day, "total_test_results": 1000 * day}
    return {"date": f"2020-07-{day:02}", "states": 2, "last_update": CHANGED} | figures


def get(path: str) -> Any:
    answer = Client().get(f"/covid/v2/{path}")
    assert answer.status_code == 200, answer.content
    assert answer.headers["Content-Type"] == "application/json"
    return answer.json()


TENTH: Row = {
    "state": "CA",
    "date": "2020-07-10T00:00:00Z",
    "meta": {"last_update": CHANGED},
    "cases": {
        "cases": {
            "current": {
                "value": 100,
                "computed": {
                    "average_7_day": 70,
                    "population_percent": 0.25,
                    "change_from_prior_day": 10,
                    "change_7_day_percent": 233.3,
                },
            },
            "cumulative": {
                "value": 1000,
                "computed": {
                    "population_percent": 2.5,
                    "change_from_prior_day": 100,
                    "change_7_day_percent": 233.3,
                },
            },
        }
    },
    "tests": {
        "viral": {
            "current": {"value": None, "computed": {"average_7_day": None, **LEVEL}},
            "cumulative": {
                "value": 10000,
                "computed": {
                    "population_percent": 25,
                    "change_from_prior_day": 1000,
                    "change_7_day_percent": 233.3,
                },
            },
        },
        "total_test_results": {"complete_field": "tests.viral", "preferred_field": "tests.viral"},
    },
    "outcomes": {
        "hospitalized": {
            "current": {
                "value": 40,
                "computed": {
                    "average_7_day": 43,
                    "population_percent": 0.1,
                    "change_from_prior_day": -1,
                    "change_7_day_percent": -14.9,
                },
            },
            "cumulative": {"value": None, "computed": LEVEL},
        }
    },
}
CALIFORNIA: Row = {
    "state": "CA",
    "name": "California",
    "slug": "california",
    "fips": "06",
    "population": 40_000,
    "preferred_total_test_field": "totalTestsViral",
}


def test_a_state_s_answer_to_the_letter() -> None:
    answer = get("state/ca")
    notes = answer["meta"].pop("field_definitions")
    states = answer.pop("states")
    assert answer == {
        "links": {"self": "http://testserver/covid/v2/state/ca"},
        "meta": {
            "build_time": "2020-07-20T14:00:00Z",
            "data_definitions": "http://testserver/covid/v2/fields",
            "license": "https://creativecommons.org/licenses/by/4.0/",
            "version": 2.1,
        },
        "data": [TENTH],
    }
    assert notes[0] == {
        "field": "cases.cases.current",
        "deprecated": False,
        "unit": "people",
        "formerly": ["positiveIncrease"],
        "download": "/reports/covid_states_daily.csv",
    }
    assert [note["field"] for note in notes] == [
        *("cases.cases.current", "cases.cases.cumulative", "tests.viral.current"),
        *("tests.viral.cumulative", "tests.total_test_results"),
        *("outcomes.hospitalized.current", "outcomes.hospitalized.cumulative"),
    ]
    assert {name: states[0][name] for name in CALIFORNIA} == CALIFORNIA
    assert list(answer) == ["links", "meta", "data"]


def test_the_states_come_before_the_data() -> None:
    assert list(get("state/ca")) == ["links", "meta", "states", "data"]
    assert [state["state"] for state in get("states/history")["states"]] == ["CA", "NY"]
    assert "states" not in get("us")


def test_a_simple_row_has_no_computed_values() -> None:
    row = get("state/ca/simple")["data"][0]
    assert row["cases"] == {"cases": {"current": 100, "cumulative": 1000}}
    assert row["tests"]["viral"] == {"current": None, "cumulative": 10000}
    assert row["tests"]["total_test_results"] == TENTH["tests"]["total_test_results"]
    assert row["outcomes"] == {"hospitalized": {"current": 40, "cumulative": None}}


@pytest.mark.parametrize("name", ["CA", "ca", "Ca", "california", "California"])
def test_a_state_has_a_code_and_a_slug_in_any_case(name: str) -> None:
    assert get(f"state/{name}")["data"] == [TENTH]


def test_slugs_of_two_words() -> None:
    (row,) = get("state/new-york/history")["data"]
    assert (row["state"], row["cases"]["cases"]["cumulative"]["value"]) == ("NY", None)
    assert row["tests"]["total_test_results"] == {"complete_field": None, "preferred_field": None}


def test_the_first_days_have_no_average_and_no_week_before() -> None:
    rows = get("state/ca/history")["data"]
    assert [row["date"][:10] for row in rows] == [f"2020-07-{day:02}" for day in range(10, 0, -1)]
    computed = [row["cases"]["cases"]["current"]["computed"] for row in rows[::-1]]
    assert [each["average_7_day"] for each in computed] == [*[None] * 6, 40, 50, 60, 70]
    assert [each["change_7_day_percent"] for each in computed] == [*[None] * 7, 700, 350, 233.3]
    assert computed[0]["change_from_prior_day"] is None


def test_the_nation_has_values_where_states_have_a_choice() -> None:
    row = get("us")["data"][0]
    assert list(row) == ["date", "states", "meta", "cases", "tests", "outcomes"]
    assert row["states"] == 2
    assert row["tests"] == {
        "total_test_results": {
            "current": {"value": None, "computed": {"average_7_day": None, **LEVEL}},
            "cumulative": {
                "value": 10_000,
                "computed": {
                    "population_percent": 1,
                    "change_from_prior_day": 1000,
                    "change_7_day_percent": 233.3,
                },
            },
        }
    }
    assert [row["date"][8:10] for row in get("us/history/simple")["data"]][:2] == ["10", "09"]


def test_all_states_history_begins_with_the_newest_day() -> None:
    rows = get("states/history")["data"]
    assert [(row["state"], row["date"][8:10]) for row in rows[:3]] == [
        *(("CA", "10"), ("NY", "10"), ("CA", "09"))
    ]
    assert rows[0] == TENTH
    assert len(rows) == 11


@pytest.mark.parametrize("ending", ["", "/simple"])
@pytest.mark.parametrize(
    ("alias", "path"),
    [
        ("states/daily", "states/history"),
        ("states/ca/daily", "state/ca/history"),
        ("us/daily", "us/history"),
        ("states/CA/2020-07-10", "state/ca"),
        ("us/2020-07-10", "us"),
    ],
)
def test_the_live_api_s_paths_are_aliases(alias: str, path: str, ending: str) -> None:
    assert get(alias + ending)["data"] == get(path + ending)["data"]


def test_an_earlier_day() -> None:
    (row,) = get("states/california/2020-07-02")["data"]
    assert row["cases"]["cases"]["cumulative"]["value"] == 200


@pytest.mark.parametrize("path", ["states/history", "state/ca/history", "us/history"])
def test_a_range_and_the_ranges_beside_it(path: str) -> None:
    answer = get(f"{path}?from=2020-07-04&to=2020-07-05")
    assert {row["date"][:10] for row in answer["data"]} == {"2020-07-04", "2020-07-05"}
    base = f"http://testserver/covid/v2/{path}?"
    assert answer["links"] == {
        "self": f"{base}from=2020-07-04&to=2020-07-05",
        "next": f"{base}to=2020-07-03&from=2020-07-02",
        "prev": f"{base}from=2020-07-06&to=2020-07-07",
    }


def test_pages(settings: Settings) -> None:
    covid = msgspec.structs.replace(settings.CONFIG.covid, page_days=4)
    settings.CONFIG = msgspec.structs.replace(settings.CONFIG, covid=covid)
    seen: list[str] = []
    url: str | None = "state/ca/history?page=1&fields=cases"
    while url:
        answer = get(url.removeprefix("http://testserver/covid/v2/"))
        seen += [row["date"][8:10] for row in answer["data"]]
        assert all(set(row) == {"state", "date", "meta", "cases"} for row in answer["data"])
        url = answer["links"]["next"]
    assert seen == [f"{day:02}" for day in range(10, 0, -1)]
    assert answer["links"]["prev"].endswith("fields=cases&page=2")


def test_a_range_without_days_is_empty() -> None:
    assert get("us/history?from=2021-01-01")["data"] == []
    assert get("states/history?to=2019-01-01")["data"] == []


def test_some_fields_only() -> None:
    answer = get("state/ca?fields=cases.cases.current,outcomes")
    assert [note["field"] for note in answer["meta"]["field_definitions"]] == [
        *("cases.cases.current", "outcomes.hospitalized.current"),
        "outcomes.hospitalized.cumulative",
    ]
    row = dict(TENTH)
    del row["tests"]
    row["cases"] = {"cases": {"current": TENTH["cases"]["cases"]["current"]}}
    assert answer["data"] == [row]
    assert get("states/history?fields=cases.cases.current,outcomes")["data"][0] == row


def test_states_fields_and_changes() -> None:
    assert [state["slug"] for state in get("states")["data"]] == ["california", "new-york"]
    fields = {field["field"]: field for field in get("fields")["data"]}
    assert fields["cases.cases.cumulative"] == {
        "field": "cases.cases.cumulative",
        "name": "Cases",
        "definition": "Cases, confirmed and probable, up to this day",
        "unit": "people",
        "deprecated": False,
        "formerly": ["positive"],
        "status": "live",
        "published_for": ["states", "us"],
        "launched_at": "2020-07-05T14:00:00Z",
        "deprecated_at": None,
        "sunset": None,
        "replaced_by": None,
        "download": "/reports/covid_states_daily.csv",
    }
    changes = get("changes")["data"]
    assert changes[0] == {
        "id": "hello",
        "date": "2020-07-06T00:00:00Z",
        "kind": "announcement",
        "field": None,
        "title": "Hello",
        "description": None,
    }
    assert {change["kind"] for change in changes[1:]} == {"added"}
    assert len(changes) == 1 + len(fields)


def test_status_tells_the_build_and_that_the_states_add_up() -> None:
    answer = get("status")
    (status,) = answer["data"]
    assert answer["meta"]["build_time"] == "2020-07-20T14:00:00Z"
    assert status.pop("checked_at") == "2020-07-20T14:00:00Z"
    assert status == {
        "health": "ok",
        "build_time": "2020-07-20T14:00:00Z",
        "last_batch": None,
        "rows": 21,
        "open_rejections": 0,
        "last_error": None,
        "sums": [
            {"figure": "positive", "days": 10, "equal_days": 10},
            {"figure": "death", "days": 10, "equal_days": 10},
            {"figure": "total_test_results", "days": 10, "equal_days": 0},
        ],
    }
