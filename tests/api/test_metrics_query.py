"""POST /mds/metrics: what is counted, and which queries are refused."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from apis.metrics.models import MetricResult
from tests.api.sending import execute
from tests.vehicles import GOOD, add_events, add_trips, add_vehicles, ask, ask_rows, trip

pytestmark = pytest.mark.usefixtures("database")


def test_answers_the_example_of_the_draft(client: Client) -> None:
    add_trips(
        [
            trip(1, "2019-10-21T07:00Z"),
            trip(2, "2019-10-22T06:59:59Z", "bicycle"),
            trip(3, "2019-10-27T12:00Z"),
            trip(4, "2019-10-29T06:59Z"),
            trip(5, "2019-10-29T07:00Z"),
        ]
    )
    answer = ask(
        client,
        "dockless.utilization.avg",
        "trips.count",
        interval="P1D",
        start_date="2019-10-21T00:00-07",
        end_date="2019-10-28T00:00-07",
        dimensions=["vehicle_type"],
    )
    document = answer.json()
    assert answer.status_code == 200
    assert list(document) == ["id", "query", "columns", "rows"]
    assert UUID(document["id"]).version == 4
    assert document["query"] == {
        "interval": "P1D",
        "start_date": "2019-10-21T00:00-07",
        "end_date": "2019-10-28T00:00-07",
        "metrics": ["dockless.utilization.avg", "trips.count"],
        "dimensions": ["vehicle_type"],
        "filters": [],
    }
    assert document["columns"] == [
        {"name": "interval_start", "column_type": "dimension", "data_type": "datetime"},
        {"name": "vehicle_type", "column_type": "dimension", "data_type": "string"},
        {"name": "dockless.utilization.avg", "column_type": "metric", "data_type": "float"},
        {"name": "trips.count", "column_type": "metric", "data_type": "integer"},
    ]
    counts = {21: (1, 1), 27: (0, 1), 28: (0, 1)}
    assert document["rows"] == [
        [f"2019-10-{day}T00:00-07", kind, None, counts.get(day, (0, 0))[place]]
        for day in range(21, 29)
        for place, kind in enumerate(("bicycle", "scooter"))
    ]


def test_without_an_end_only_the_first_interval_is_fetched(client: Client) -> None:
    add_trips([trip(1, "2019-10-21T00:59Z"), trip(2, "2019-10-21T01:00Z")])
    assert ask_rows(client, "trips.count", interval="PT1H", start_date="2019-10-21T00:00") == [
        ["2019-10-21T00:00Z", 1]
    ]


def test_the_end_is_inclusive_of_intervals_that_begin_by_it(client: Client) -> None:
    query = {"interval": "PT1H", "start_date": "2019-10-21T00:00Z"}
    for end, hours in (("01:59Z", 2), ("02:00Z", 3), ("02:01Z", 3)):
        rows = ask_rows(client, "trips.count", **query, end_date=f"2019-10-21T{end}")
        assert len(rows) == hours


def test_empty_intervals_have_zero_counts_and_null_averages(client: Client) -> None:
    add_trips([trip(1, "2019-10-21T02:10Z", seconds=90)])
    rows = ask_rows(
        client,
        "trips.count",
        "trips.start_loc.duration.avg",
        "trips.start_loc.duration.med",
        "trips.start_loc.duration.std",
        "trips.start_loc.duration.sum",
        interval="PT1H",
        start_date="2019-10-21T01:00Z",
        end_date="2019-10-21T02:00Z",
    )
    assert rows == [
        ["2019-10-21T01:00Z", 0, None, None, None, 0],
        ["2019-10-21T02:00Z", 1, 90.0, 90.0, None, 90.0],
    ]


def test_rows_are_ordered_by_interval_then_dimensions_with_nulls_last(client: Client) -> None:
    add_trips(
        [
            trip(1, "2019-10-21T00:10Z", "scooter", zone="B"),
            trip(2, "2019-10-21T01:10Z", "bicycle", zone="B"),
            trip(3, "2019-10-21T01:20Z", "scooter", zone="A"),
            trip(4, "2019-10-21T01:30Z", None, zone=None),
        ]
    )
    rows = ask_rows(
        client,
        "trips.count",
        interval="PT1H",
        start_date="2019-10-21T00:00Z",
        end_date="2019-10-21T01:00Z",
        dimensions=["geography_id", "vehicle_type"],
    )
    combinations = [("A", "scooter"), ("B", "bicycle"), ("B", "scooter"), (None, None)]
    counts = [0, 0, 1, 0, 1, 1, 0, 1]
    assert rows == [
        [f"2019-10-21T0{hour}:00Z", *combination, counts[hour * 4 + place]]
        for hour in range(2)
        for place, combination in enumerate(combinations)
    ]


def test_days_of_a_time_zone_follow_its_clock(client: Client) -> None:
    # 25 hours: one trip an hour, from midnight to midnight in New York.
    begin = datetime(2019, 11, 3, 4, tzinfo=UTC)
    add_trips(trip(n, (begin + timedelta(hours=n)).isoformat()) for n in range(49))
    query = {"timezone": "America/New_York", "start_date": "2019-11-03T00:00-04"}
    rows = ask_rows(client, "trips.count", interval="P1D", end_date="2019-11-04T05:00Z", **query)
    assert rows == [["2019-11-03T00:00-04", 25], ["2019-11-04T00:00-05", 24]]
    hours = ask_rows(
        client, "trips.count", interval="PT1H", end_date="2019-11-03T23:00-05", **query
    )
    assert [count for _, count in hours] == [1] * 25
    assert [start for start, _ in hours[:4]] == [
        "2019-11-03T00:00-04",
        "2019-11-03T01:00-04",
        "2019-11-03T01:00-05",
        "2019-11-03T02:00-05",
    ]


def test_dates_are_converted_to_the_time_zone(client: Client) -> None:
    answer = ask(
        client,
        "trips.count",
        interval="P1M",
        timezone="America/Los_Angeles",
        start_date="2019-10-01T07:00Z",
        end_date="2019-11-15T00:00Z",
    )
    document = answer.json()
    assert document["query"] == {
        "interval": "P1M",
        "start_date": "2019-10-01T00:00-07",
        "end_date": "2019-11-14T16:00-08",
        "timezone": "America/Los_Angeles",
        "metrics": ["trips.count"],
        "dimensions": [],
        "filters": [],
    }
    assert document["rows"] == [["2019-10-01T00:00-07", 0], ["2019-11-01T00:00-07", 0]]


def test_weeks_begin_on_monday(client: Client) -> None:
    add_trips([trip(1, "2019-10-21T00:00Z"), trip(2, "2019-10-27T23:59Z")])
    rows = ask_rows(client, "trips.count", interval="P1W", start_date="2019-10-21T00:00Z")
    assert rows == [["2019-10-21T00:00Z", 2]]


def test_filters_leave_only_the_given_values(client: Client) -> None:
    add_trips(
        trip(n, "2019-10-21T00:10Z", kind)
        for n, kind in enumerate(("scooter", "bicycle", "moped", None))
    )
    query = {"interval": "PT1H", "start_date": "2019-10-21T00:00Z"}
    filters = [{"name": "vehicle_type", "values": ["scooter", "moped", "'; DROP TABLE trips --"]}]
    answer = ask(client, "trips.count", **query, filters=filters)
    assert answer.json()["rows"] == [["2019-10-21T00:00Z", 2]]
    assert answer.json()["query"]["filters"] == filters


def test_geography_type_is_a_filter_of_trips_events_and_vehicles(client: Client) -> None:
    execute(
        "INSERT INTO mds.geographies (geography_id, name, geography_type)"
        " VALUES ('A', 'A', 'council_district'), ('B', 'B', 'park')"
    )
    add_trips([trip(1, "2019-09-17T10:05Z", zone="A"), trip(2, "2019-09-17T10:05Z", zone="B")])
    add_events(
        [
            ("v1", "10:01", "service_start", "available", "A"),
            ("v2", "10:01", "service_start", "available", "B"),
        ]
    )
    rows = ask_rows(
        client,
        "trips.count",
        "events.service_start.count",
        "vehicles.available.max",
        "dockless.inactive.count",
        interval="PT15M",
        start_date="2019-09-17T10:00Z",
        dimensions=["geography_id"],
        filters=[{"name": "geography_type", "values": ["park"]}],
    )
    assert rows == [["2019-09-17T10:00Z", "B", 1, 1, 1, 1]]


def test_vehicles_are_counted_by_their_type_and_provider(client: Client) -> None:
    add_vehicles("v1", vehicle_type="bicycle")
    add_events(
        [
            ("v1", "10:00", "service_start", "available", "A"),
            ("v2", "10:00", "service_start", "available", "A"),
            ("v1", "10:20", "maintenance", "unavailable", "A"),
        ]
    )
    rows = ask_rows(
        client,
        "vehicles.available.count",
        "vehicles.available.avg",
        interval="PT15M",
        start_date="2019-09-17T10:00Z",
        end_date="2019-09-17T10:30Z",
        dimensions=["vehicle_type", "provider_id"],
    )
    assert rows == [
        ["2019-09-17T10:00Z", "bicycle", None, 1, 1.0],
        ["2019-09-17T10:00Z", None, None, 1, 1.0],
        ["2019-09-17T10:15Z", "bicycle", None, 1, pytest.approx(5 / 15)],
        ["2019-09-17T10:15Z", None, None, 1, 1.0],
        ["2019-09-17T10:30Z", "bicycle", None, 0, 0.0],
        ["2019-09-17T10:30Z", None, None, 1, 1.0],
    ]


def test_the_later_spelling_is_understood(client: Client) -> None:
    body = {"measures": ["trips.count"], "interval": "P1D", "start_date": "2019-10-21T00:00Z"}
    answer = client.post("/mds/metrics", json.dumps(body), content_type="application/json")
    document = answer.json()
    assert document["query"]["measures"] == ["trips.count"]
    assert "metrics" not in document["query"]
    assert document["columns"][1] == {
        "name": "trips.count",
        "column_type": "measure",
        "data_type": "integer",
    }


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("metrics", {"metrics": None}),
        ("metrics", {"metrics": []}),
        ("metrics", {"metrics": "trips.count"}),
        ("metrics", {"metrics": ["trips.counts"]}),
        ("metrics", {"metrics": ["trips.count", "trips.count"]}),
        ("measures", {"measures": ["trips.count"]}),
        ("interval", {"interval": None}),
        ("interval", {"interval": "1 day"}),
        ("interval", {"interval": "P2D"}),
        ("interval", {"interval": "PT4H"}),
        ("interval", {"metrics": ["dockless.deployed.avg.min"], "interval": "PT1H"}),
        ("interval", {"interval": 60}),
        ("start_date", {"start_date": None}),
        ("start_date", {"start_date": "2019-10-21"}),
        ("start_date", {"start_date": "2019-02-30T00:00Z"}),
        ("start_date", {"start_date": "2019-10-21T01:00Z"}),
        ("start_date", {"start_date": "2019-10-21T00:00Z", "timezone": "America/New_York"}),
        ("start_date", {"interval": "P1W", "start_date": "2019-10-20T00:00Z"}),
        ("start_date", {"interval": "PT15M", "start_date": "2019-10-21T00:05Z"}),
        ("end_date", {"end_date": "2019-10-20T00:00Z"}),
        ("end_date", {"end_date": "yesterday"}),
        ("end_date", {"interval": "PT15M", "end_date": "2020-10-20T00:00Z"}),
        ("timezone", {"timezone": "Eastern Time"}),
        ("dimensions", {"dimensions": ["colour"]}),
        ("dimensions", {"dimensions": ["geography_type"]}),
        ("dimensions", {"dimensions": ["vehicle_type", "vehicle_type"]}),
        ("dimensions", {"dimensions": [1]}),
        ("filters", {"filters": [{"name": "colour", "values": ["red"]}]}),
        ("filters", {"filters": [{"name": "vehicle_type", "values": []}]}),
        ("filters", {"filters": [{"name": "vehicle_type"}]}),
        ("filters", {"filters": [{"name": "vehicle_type", "values": ["\0"]}]}),
        ("filters", {"filters": [{"name": "vehicle_type", "values": ["a"]}] * 2}),
        ("colour", {"colour": "red"}),
    ],
    ids=str,
)
def test_names_the_field_that_is_wrong(client: Client, field: str, change: dict[str, Any]) -> None:
    answer = client.post("/mds/metrics", json.dumps(GOOD | change), content_type="application/json")
    document = answer.json()
    assert answer.status_code == 400, document
    assert (document["code"], document["field"]) == ("query_invalid", field)
    assert document["detail"].startswith(f"{field}: ")
    assert not MetricResult.objects.exists()


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b"\xff", b"1" * 100])
def test_refuses_a_body_that_is_no_object(client: Client, body: bytes) -> None:
    answer = client.post("/mds/metrics", body, content_type="application/json")
    assert (answer.status_code, answer.json()["field"]) == (400, "body")


def test_a_body_may_be_packed(client: Client) -> None:
    body = gzip.compress(json.dumps(GOOD).encode())
    answer = client.post(
        "/mds/metrics",
        body,
        content_type="application/json",
        headers={"Content-Encoding": "gzip"},
    )
    assert answer.status_code == 200, answer.json()


def test_refuses_a_body_that_is_too_large(client: Client) -> None:
    answer = client.post("/mds/metrics", b" " * 1024 * 1025, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_refuses_an_answer_with_too_many_rows(client: Client, change_metrics: Any) -> None:
    change_metrics(max_rows=3)
    add_trips([trip(1, "2019-10-21T00:10Z"), trip(2, "2019-10-21T00:10Z", "moped")])
    query = {"interval": "P1D", "start_date": "2019-10-21T00:00Z", "dimensions": ["vehicle_type"]}
    assert ask(client, "trips.count", **query).status_code == 200
    answer = ask(client, "trips.count", **query, end_date="2019-10-22T00:00Z")
    assert (answer.status_code, answer.json()["field"]) == (400, "dimensions")
