"""What /covid/v2 refuses."""

import pytest
from django.test import Client

from apis.covid.refresh.refresh import refresh_api
from tests.covid import add_definitions, add_rows, state_row

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def published(database: None) -> None:
    add_rows("states", [state_row()])
    add_definitions(keep=["cases"])
    add_rows("states_daily", [{"state": "CA", "date": "2020-07-01"}])
    refresh_api()


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("state/zz", 404, "state_unknown"),
        ("state/us", 404, "state_unknown"),
        ("state/%00", 404, "state_unknown"),
        ("state/c%27a", 404, "state_unknown"),
        ("state/" + "a" * 3000, 404, "state_unknown"),
        ("states/ca/2020-07-02", 404, "day_unknown"),
        ("us/2020-07-01", 404, "day_unknown"),
        ("states/ca/2020-7-1", 400, "bad_parameter"),
        ("us/soon", 400, "bad_parameter"),
        ("us/history?page=0", 400, "bad_parameter"),
        ("us/history?from=x", 400, "bad_parameter"),
        ("us/history?form=2020-01-01", 400, "bad_parameter"),
        ("us/history?format=csv", 400, "bad_parameter"),
        ("us?page=1", 400, "bad_parameter"),
        ("fields?page=1", 400, "bad_parameter"),
        ("status?x=1", 400, "bad_parameter"),
        ("us?fields=nothing", 400, "field_unknown"),
        ("us?fields=cases%00", 400, "bad_parameter"),
        ("us.json", 404, "not_found"),
        ("states/history.json", 404, "not_found"),
        ("changes/simple", 404, "not_found"),
        ("nothing", 404, "not_found"),
    ],
)
def test_each_refusal_has_a_status_and_a_code(path: str, status: int, code: str) -> None:
    answer = Client().get(f"/covid/v2/{path}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.usefixtures("published")
def test_nothing_can_be_written() -> None:
    answer = Client().post("/covid/v2/us", "{}", content_type="application/json")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize(
    "path", ["us", "states/history", "state/ca", "fields", "changes", "states"]
)
def test_before_the_first_build_there_is_nothing(path: str) -> None:
    answer = Client().get(f"/covid/v2/{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "data_not_built")


def test_before_the_first_build_the_status_says_so() -> None:
    answer = Client().get("/covid/v2/status")
    assert answer.status_code == 200
    assert answer.json()["data"][0]["health"] == "not_built"
    assert answer.json()["meta"]["build_time"] is None


def test_a_build_of_empty_tables_gives_empty_answers() -> None:
    refresh_api()
    for path in ("us", "us/history", "states/history", "states", "fields", "changes"):
        answer = Client().get(f"/covid/v2/{path}")
        assert (answer.status_code, answer.json()["data"]) == (200, []), path
