"""GET /mds/metrics/{id}, answers as CSV, redaction, and who may ask."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from apis.metrics.models import MetricResult
from tests.conftest import KeyMaker, Publish
from tests.vehicles import GOOD, add_trips, ask, trip

pytestmark = pytest.mark.usefixtures("database")


def test_a_result_can_be_fetched_again_by_its_id(client: Client) -> None:
    first = ask(client, "trips.count", interval="P1D", start_date="2019-10-21T00:00Z").json()
    add_trips([trip(1, "2019-10-21T00:10Z")])
    again = client.get(f"/mds/metrics/{first['id']}")
    assert again.json() == first
    assert (
        ask(client, "trips.count", interval="P1D", start_date="2019-10-21T00:00Z").json()["rows"]
        != first["rows"]
    )


def test_a_result_is_forgotten_after_its_lifetime(client: Client) -> None:
    first = ask(client, "trips.count", interval="P1D", start_date="2019-10-21T00:00Z").json()
    past = datetime.now(UTC) - timedelta(seconds=1)
    MetricResult.objects.update(expires_at=past)
    answer = client.get(f"/mds/metrics/{first['id']}")
    assert (answer.status_code, answer.json()["code"]) == (404, "result_unknown")
    ask(client, "trips.count", interval="P1D", start_date="2019-10-21T00:00Z")
    assert MetricResult.objects.count() == 1


@pytest.mark.parametrize("identifier", ["44428624-186b-4fc3-a7fb-124f487464a1", "none"])
def test_an_unknown_result_is_not_found(client: Client, identifier: str) -> None:
    assert client.get(f"/mds/metrics/{identifier}").json()["code"] == "result_unknown"


def test_answers_as_csv_where_that_is_asked_for(client: Client) -> None:
    add_trips([trip(1, "2019-10-21T00:10Z", "a, b")])
    body = GOOD | {
        "dimensions": ["vehicle_type"],
        "metrics": ["trips.count", "dockless.utilization.avg"],
    }
    answer = client.post(
        "/mds/metrics?format=csv", json.dumps(body), content_type="application/json"
    )
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert list(csv.reader(io.StringIO(answer.content.decode()))) == [
        ["interval_start", "vehicle_type", "trips.count", "dockless.utilization.avg"],
        ["2019-10-21T00:00Z", "a, b", "1", ""],
    ]
    kept = MetricResult.objects.get()
    assert client.get(f"/mds/metrics/{kept.id}?format=csv").content == answer.content


@pytest.mark.parametrize("query", ["format=xml", "fromat=csv"])
def test_refuses_an_unknown_format_or_parameter(client: Client, query: str) -> None:
    answer = client.post(f"/mds/metrics?{query}", json.dumps(GOOD), content_type="application/json")
    assert (answer.status_code, answer.json()["field"]) == (400, query.partition("=")[0])


def test_small_numbers_of_trips_are_redacted_where_that_is_set(
    client: Client, change_metrics: Any
) -> None:
    change_metrics(redact_below=10)
    add_trips(
        [trip(n, "2019-10-21T01:10Z") for n in range(9)]
        + [trip(n, "2019-10-21T02:10Z") for n in range(10, 20)]
    )
    answer = ask(
        client,
        "trips.count",
        "trips.start_loc.duration.sum",
        "dockless.utilization.trips_per_vehicle.avg",
        "events.trip_start.count",
        "events.maintenance.count",
        interval="PT1H",
        start_date="2019-10-21T00:00Z",
        end_date="2019-10-21T02:00Z",
    ).json()
    assert answer["query"]["k_value"] == 10
    assert answer["rows"] == [
        ["2019-10-21T00:00Z", -1, -1, -1, -1, 0],
        ["2019-10-21T01:00Z", -1, -1, -1, -1, 0],
        ["2019-10-21T02:00Z", 10, 600.0, None, -1, 0],
    ]


DAY = {"interval": "P1D", "start_date": "2019-10-21T00:00Z"}


def test_anyone_may_ask_for_metrics_of_public_datasets(client: Client, publish: Publish) -> None:
    anyone = Client()
    text = anyone.get("/mds/metrics").content.decode()
    assert "trips.count" in text
    assert "employees.hired.count" not in text
    assert ask(anyone, "trips.count", **DAY).status_code == 200
    answer = ask(anyone, "trips.count", "employees.hired.count", **DAY)
    assert (answer.status_code, answer.json()["code"]) == (401, "key_required")
    assert "employees.hired.count" in client.get("/mds/metrics").content.decode()
    publish(mds=False, nyc311=False, covid=False, open311=False)
    assert anyone.get("/mds/metrics").status_code == 401
    assert ask(anyone, "trips.count", **DAY).status_code == 401


def test_a_result_needs_a_key_where_its_metrics_do(client: Client, api_key: KeyMaker) -> None:
    kept = ask(client, "employees.hired.count", **DAY).json()
    address = f"/mds/metrics/{kept['id']}"
    assert Client().get(address).status_code == 401
    other = Client(headers={"Authorization": f"Api-Key {api_key('ingest')}"})
    assert other.get(address).status_code == 403
    assert client.get(address).json() == kept
