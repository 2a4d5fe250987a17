"""GET /api/nyc311/closure…: what became of the requests that were ingested."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from db_setup.nyc311.sample import rows
from tests.api.sending import send, stored
from tests.conftest import Publish

SINCE = "since=2024-12-01"
GROUPED = "group_by=agency,complaint_type"


@pytest.fixture
def requests(client: Client) -> None:
    """Ingest the sample rows."""
    batch = [row for _, row in rows(1)]
    for start in range(0, len(batch), 1000):
        send(client, "nyc311.service_requests", batch[start : start + 1000])


def get(client: Client, address: str) -> dict[str, Any]:
    answer = client.get(f"/api/nyc311/closure{address}")
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def test_the_groups_are_answered_with_their_figures(client: Client, requests: None) -> None:
    found = get(client, f"?{GROUPED}&{SINCE}")
    assert found["created_after_timestamp"] == "2024-12-01T00:00:00.000"
    assert found["past_number_of_weeks"] is None
    assert (found["next"], found["previous"]) == (None, None)
    query = """
        SELECT agency, complaint_type, count(*), count(*) FILTER (WHERE status = 'Closed')
        FROM nyc311.service_requests WHERE created_date >= '2024-12-01' GROUP BY 1, 2 ORDER BY 1, 2
    """
    keys = ("agency", "complaint_type", "total", "closed")
    assert [tuple(row[key] for key in keys) for row in found["results"]] == stored(query)
    assert set(found["results"][0]) == {
        *keys,
        *("perc_closed", "days_to_closure", "number_of_records", "closed_before_created"),
    }


def test_the_histogram_counts_every_closed_request(client: Client, requests: None) -> None:
    found = get(client, f"/daily?{SINCE}")
    query = """
        SELECT agency, closed_date::date - created_date::date AS days, count(*)
        FROM nyc311.service_requests WHERE created_date >= '2024-12-01' AND status = 'Closed'
        GROUP BY 1, 2 ORDER BY 1, 2
    """
    assert [tuple(row.values()) for row in found["results"]] == stored(query)


def test_the_share_within_a_day_is_answered(client: Client, requests: None) -> None:
    found = get(client, f"/within-a-day?{GROUPED}&{SINCE}&agency=NYPD")
    assert {row["agency"] for row in found["results"]} == {"NYPD"}
    for row in found["results"]:
        expected = row["closed_within_a_day"] * row["perc_closed"]
        assert row["overall_closed_within_a_day"] == expected
        assert 0.9 < row["closed_within_a_day"] <= 1


def test_a_column_restricts_the_requests_and_given_twice_to_either_value(
    client: Client, requests: None
) -> None:
    one = get(client, f"?{SINCE}&borough=BRONX")["results"]
    two = get(client, f"?{SINCE}&borough=BRONX&borough=QUEENS")["results"]
    everything = get(client, f"?{SINCE}")["results"]
    totals = [sum(row["total"] for row in rows) for rows in (one, two, everything)]
    assert 0 < totals[0] < totals[1] < totals[2]


def test_weeks_are_counted_back_from_the_newest_request(client: Client, requests: None) -> None:
    ((newest,),) = stored("SELECT max(created_date) FROM nyc311.service_requests")
    found = get(client, "?weeks=1")
    start = newest - timedelta(weeks=1)
    assert found["past_number_of_weeks"] == 1
    assert found["created_after_timestamp"] == start.isoformat(timespec="milliseconds")
    query = "SELECT count(*) FROM nyc311.service_requests WHERE created_date >= %s"
    assert sum(row["total"] for row in found["results"]) == stored(query, [start])[0][0] > 100
    assert sum(row["total"] for row in get(client, "")["results"]) > 2900


def test_weeks_are_counted_back_from_now_where_the_newest_request_is_of_the_future(
    client: Client, requests: None
) -> None:
    row = {"unique_key": 1, "created_date": "2999-01-01T00:00:00"}
    send(client, "nyc311.service_requests", [row | {"agency": "A", "complaint_type": "B"}])
    assert [row["agency"] for row in get(client, "?weeks=1")["results"]] == ["A"]


def test_without_requests_there_are_no_groups(client: Client) -> None:
    assert get(client, "")["results"] == []


def test_results_are_paged(client: Client, requests: None) -> None:
    everything = get(client, f"?{GROUPED}&{SINCE}")["results"]
    found = get(client, f"?{GROUPED}&{SINCE}&limit=5")
    pages = [found["results"]]
    while found["next"]:
        found = client.get(found["next"]).json()
        pages.append(found["results"])
    assert [len(page) for page in pages] == [5, 5, 2]
    assert [row for page in pages for row in page] == everything
    assert client.get(found["previous"]).json()["results"] == pages[1]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("group_by=unique_key", "group_unknown"),
        ("group_by=agency,agency", "group_unknown"),
        ("group_by=", "group_unknown"),
        ("weeks=0", "bad_parameter"),
        ("weeks=twelve", "bad_parameter"),
        ("weeks=4&since=2024-01-01", "bad_parameter"),
        ("since=yesterday", "bad_parameter"),
        ("since=9999-12-31", "bad_parameter"),
        ("arithmetic=lunar", "bad_parameter"),
        ("limit=0", "bad_parameter"),
        ("agncy=NYPD", "bad_parameter"),
        ("agency=%00", "bad_parameter"),
    ],
)
def test_a_bad_parameter_is_refused(client: Client, query: str, code: str) -> None:
    answer = client.get(f"/api/nyc311/closure?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize("path", ["", "/daily", "/within-a-day"])
def test_a_key_with_the_scope_read_is_needed(
    api_key: Callable[..., str], publish: Publish, path: str
) -> None:
    publish(nyc311=False)

    def status(*scopes: str) -> int:
        headers = {"Authorization": f"Api-Key {api_key(*scopes)}"}
        return Client(headers=headers).get(f"/api/nyc311/closure{path}").status_code

    assert status("read") == 200
    assert status("ingest") == 403
    assert Client().get(f"/api/nyc311/closure{path}").status_code == 401
