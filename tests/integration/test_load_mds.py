"""manage.py load --mapping with the trips that cities and providers published."""

import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from ingest.management.commands.load import Command
from tests.needs import need
from tests.vehicles import ask_rows

MDS = settings.BASE_DIR.parent / "shared" / "data" / "mds"
MAPPINGS = settings.BASE_DIR / "db_setup" / "mds" / "mappings"

Load = Callable[..., int]


@pytest.fixture
def load(server: str, api_key: Callable[..., str]) -> Load:
    """Return a function that loads a file with a mapping and returns the exit code."""
    need(MDS.exists(), f"the data in {MDS} is not there")
    key = api_key("ingest", "read")

    def run(table: str, file: str, mapping: str, *options: str) -> int:
        arguments = ["--url", server, "--key", key, "--quiet", "--mapping"]
        path = str(MAPPINGS / f"{mapping}.yml")
        try:
            command = ["manage.py", "load", table, str(MDS / file), *arguments, path, *options]
            Command().run_from_argv(command)
        except SystemExit as error:
            return int(error.code or 0)
        return 0

    return run


def stored(query: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def read_rejects(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_austin_trips_get_the_offset_of_their_day(load: Load, tmp_path: Path) -> None:
    rejects = tmp_path / "rejects.csv"
    code = load("mds.trips", "austin_1000_trips.csv", "austin_trips", "--rejects", str(rejects))
    rejected = read_rejects(rejects)
    (count,) = stored("SELECT count(*)::int FROM mds.trips")[0]
    assert code == 3
    assert (count, len(rejected)) == (998, 1)
    assert rejected[0]["_codes"] == "required_missing required_missing"
    assert stored(
        "SELECT device_id, vehicle_type, start_time::text, trip_duration::int,"
        " trip_distance::int, start_geography_id"
        " FROM mds.trips WHERE trip_id = '7f1f8346-a38d-4597-af7e-8edf6e873eec'"
    ) == [
        ("283a3e47-5c76-4157-872e-03944c66d457", "bicycle", "2018-12-08 21:45:00+00", 1603, 0, "9")
    ]


def test_louisville_trips_become_seconds_and_metres(load: Load, client: Client) -> None:
    code = load("mds.trips", "louisville_2019-08_sample.csv", "louisville_trips")
    assert code in {0, 3}
    assert stored(
        "SELECT start_time::text, end_time::text, trip_duration::text, trip_distance::text"
        " FROM mds.trips WHERE trip_id = '66e2f63d-a6aa-62a5-0c53-b4bc96c2'"
    ) == [("2019-08-01 04:15:00+00", "2019-08-01 04:30:00+00", "300", "965.6064")]
    with (MDS / "louisville_2019-08_sample.csv").open(newline="") as file:
        expected = Counter(
            row["StartTime"] for row in csv.DictReader(file) if row["StartDate"] == "2019-08-01"
        )
    rows = ask_rows(
        client,
        "trips.count",
        interval="PT15M",
        timezone="America/Kentucky/Louisville",
        start_date="2019-08-01T00:00-04",
        end_date="2019-08-01T23:45-04",
    )
    found = {start[11:16]: count for start, count in rows if count}
    assert (
        sum(found.values())
        == stored("SELECT count(*)::int FROM mds.trips WHERE start_time < '2019-08-02T04:00Z'")[0][
            0
        ]
    )
    assert found.keys() <= expected.keys()
    assert all(count <= expected[start] for start, count in found.items())


def test_provider_json_becomes_trips_vehicles_and_events(load: Load, client: Client) -> None:
    changes = "sharedstreets/changes.jsonl"
    # Of a vehicle's changes the first one registers it.
    assert load("mds.vehicles", changes, "provider_0.3_vehicles", "--on-conflict", "ignore") == 0
    assert stored("SELECT count(*)::int FROM mds.vehicles") == [(40,)]
    assert load("mds.vehicle_events", changes, "provider_0.3_status_changes") == 0
    assert load("mds.trips", "sharedstreets/trips.jsonl", "provider_0.3_trips") == 0
    assert stored("SELECT count(*)::int FROM mds.trips") == [(5,)]
    assert Counter(stored("SELECT event_type, vehicle_state FROM mds.vehicle_events")) == {
        ("service_start", "available"): 40,
        ("trip_end", "available"): 11,
        ("trip_start", "trip"): 13,
        ("maintenance", "unavailable"): 1,
    }
    assert stored("SELECT end_time::text FROM mds.trips WHERE trip_id LIKE 'OAO-8641 %'") == [
        ("2019-07-15 08:22:50.253552+00",)
    ]
    assert (
        stored("SELECT event_location #>> '{geometry,type}' FROM mds.vehicle_events")
        == [("Point",)] * 65
    )
    rows = ask_rows(
        client,
        "dockless.deployed.max",
        "vehicles.available.count",
        "events.trip_start.count",
        interval="P1D",
        start_date="2019-07-15T00:00Z",
    )
    assert rows == [["2019-07-15T00:00Z", 40, 0, 13]]
