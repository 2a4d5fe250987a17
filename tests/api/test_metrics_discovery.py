"""GET /mds/metrics."""

from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from apis.metrics.registry import all_metrics
from tests.api.sending import execute
from tests.vehicles import add_events, add_trips, ask

pytestmark = pytest.mark.usefixtures("database")


def discover(client: Client) -> dict[str, Any]:
    answer = client.get("/mds/metrics")
    assert answer.status_code == 200
    document: dict[str, Any] = answer.json()
    return document


def group_of(document: dict[str, Any], name: str) -> dict[str, Any]:
    (group,) = [group for group in document["metrics"] if name in group["name"]]
    return dict(group)


def test_describes_metrics_in_the_shape_of_the_draft(client: Client) -> None:
    document = discover(client)
    assert list(document) == ["metrics", "max_intervals", "dimensions", "filters"]
    assert all(list(group) == ["name", "since", "intervals"] for group in document["metrics"])
    assert document["max_intervals"] == settings.CONFIG.metrics.max_intervals
    assert {"provider_id", "vehicle_type", "geography_id"} <= set(document["dimensions"])
    assert set(document["filters"]) == {*document["dimensions"], "geography_type"}
    assert group_of(document, "trips.count")["intervals"] == ["PT15M", "PT1H", "P1D", "P1W", "P1M"]


def test_since_is_the_first_interval_with_data(client: Client) -> None:
    add_trips([("t", None, "2018-01-01T07:08Z", "2018-01-01T08:31Z", 1, 1, None, None)])
    add_events([("v", "09:59", "service_start", "available", None)])
    document = discover(client)
    assert group_of(document, "trips.count")["since"] == "2018-01-01T07:00Z"
    assert group_of(document, "trips.end_loc.count")["since"] == "2018-01-01T08:30Z"
    assert group_of(document, "events.reserve.count")["since"] == "2019-09-17T09:45Z"
    trips_per_vehicle = "dockless.utilization.trips_per_vehicle.avg"
    assert group_of(document, trips_per_vehicle)["since"] == "2018-01-01T07:00Z"


def test_every_listed_metric_can_be_asked_for(client: Client) -> None:
    execute(
        "INSERT INTO hiring.departments VALUES (1, 'a'); INSERT INTO hiring.jobs VALUES (1, 'b');"
        "INSERT INTO hiring.employees VALUES (1, 'c', '2021-05-05T12:00Z', 1, 1)"
    )
    for group in discover(client)["metrics"]:
        for interval in group["intervals"]:
            answer = ask(client, *group["name"], interval=interval, start_date="2018-01-01T00:00Z")
            assert answer.status_code == 200, (answer.content, group)


def test_hired_people_are_counted_by_department(client: Client) -> None:
    execute(
        "INSERT INTO hiring.departments VALUES (1, 'a'); INSERT INTO hiring.jobs VALUES (1, 'b');"
        "INSERT INTO hiring.employees VALUES (1, 'c', '2021-05-05T12:00Z', 1, 1)"
    )
    answer = ask(
        client,
        "employees.hired.count",
        interval="P1M",
        start_date="2021-05-01T00:00Z",
        dimensions=["department_id"],
    )
    assert answer.json()["rows"] == [["2021-05-01T00:00Z", "1", 1]]


def test_a_metric_without_its_table_is_not_listed(client: Client) -> None:
    execute("ALTER TABLE mds.trips RENAME TO journeys")
    try:
        names = [name for group in discover(client)["metrics"] for name in group["name"]]
        answer = ask(client, "trips.count", interval="P1D", start_date="2018-01-01T00:00Z")
    finally:
        execute("ALTER TABLE mds.journeys RENAME TO trips")
    assert "trips.count" not in names
    assert "dockless.utilization.trips_per_vehicle.avg" not in names
    assert "dockless.utilization.avg" in names
    assert answer.json()["field"] == "metrics"


def test_a_metric_whose_table_lacks_a_column_is_not_listed(client: Client) -> None:
    execute("ALTER TABLE hiring.employees RENAME COLUMN hire_date TO hired_on")
    try:
        names = [name for group in discover(client)["metrics"] for name in group["name"]]
        answer = ask(
            client, "employees.hired.count", interval="P1D", start_date="2018-01-01T00:00Z"
        )
    finally:
        execute("ALTER TABLE hiring.employees RENAME COLUMN hired_on TO hire_date")
    assert "employees.hired.count" not in names
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert "trips.count" in names


def test_ships_the_metrics_of_the_standard() -> None:
    names = set(all_metrics())
    wanted = {
        *(
            f"vehicles.{state}.{value}"
            for state in ("available", "reserved", "trip", "unavailable")
            for value in ("avg", "min", "max", "count", "duration.sum")
        ),
        *(
            f"trips.{place}.{what}.{value}"
            for place in ("start_loc", "end_loc")
            for what in ("duration", "distance")
            for value in ("avg", "med", "std", "sum")
        ),
        *("trips.count", "trips.start_loc.count", "trips.end_loc.count"),
        *("events.trip_start.count", "events.maintenance.count"),
        *(f"dockless.deployed.{value}" for value in ("avg", "min", "max", "avg.min", "avg.max")),
        *("dockless.active.count", "dockless.inactive.count", "dockless.utilization.avg"),
        *("dockless.utilization.idle.percent", "dockless.utilization.active.percent"),
        "dockless.utilization.trips_per_vehicle.avg",
        *("incidents.created.count", "incidents.closed.count", "employees.hired.count"),
        *("incidents.time_to_closure.avg", "incidents.time_to_closure.med"),
    }
    assert wanted <= names
