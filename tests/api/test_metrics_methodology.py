"""The worked tables of the MDS metrics methodology; mistakes in them are put right, see the tests.

Table numbers are those of the document's sections.
"""

import csv
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from tests.needs import need
from tests.vehicles import DAY, Event, add_events, add_trips, ask_rows, moment

METHODOLOGY = settings.BASE_DIR.parent / "shared" / "data" / "mds" / "spec" / "methodology"

pytestmark = pytest.mark.usefixtures("database")

# The tables show what happens, not the states the vehicles are in before.
BEFORE: list[Event] = [
    ("vehicle_1", "09:00", "service_start", "available", "Zone A"),
    ("vehicle_3", "09:00", "service_start", "available", "Zone A"),
]


def read_table(name: str) -> list[dict[str, str]]:
    need(METHODOLOGY.exists(), f"the tables in {METHODOLOGY} are not there")
    with (METHODOLOGY / name).open(newline="") as file:
        return list(csv.DictReader(file))


def read_events(name: str) -> list[Event]:
    return [
        (
            row["device_id"],
            row["event_timestamp (as Time)"],
            row["event_type"],
            row["state"],
            row["geography"],
        )
        for row in read_table(name)
    ]


def expected(name: str) -> Iterator[tuple[str, str, str, str, float]]:
    """Yield metric, start, interval, geography and value of each row of a table."""
    for row in read_table(name):
        place = row.get("geography") or row["geography_key"]
        *_, value = row.values()
        metric = (
            row["name"]
            .replace("vehicle.", "vehicles.")
            .replace("_loc_duration", "_loc.duration")
            .replace("trips.start.count", "trips.start_loc.count")
        )
        # The document spells the neighbourhood in two ways.
        place = place.replace("Historical", "Historic")
        interval = row["metric_time_interval"]
        yield metric, row["metric_start_time"], interval, place, float(value)


def value_of(client: Client, metric: str, start: str, interval: str, place: str) -> Any:
    rows = ask_rows(
        client,
        metric,
        interval=interval,
        start_date=moment(start),
        dimensions=["geography_id"],
    )
    return {geography: value for _, geography, value in rows}.get(place)


def check(client: Client, name: str, corrections: dict[int, dict[int, Any]] | None = None) -> None:
    """Compare every row of a table; corrections are by row and column (0 is the metric)."""
    for number, row in enumerate(expected(name)):
        cells: list[Any] = list(row)
        for column, value in (corrections or {}).get(number, {}).items():
            cells[column] = value
        metric, start, interval, place, value = cells
        assert value_of(client, metric, start, interval, place) == pytest.approx(
            value, abs=0.005
        ), cells


@pytest.mark.parametrize(
    "table", ["1.1_3_expected.csv", "1.2_1_expected.csv", "1.3_1_expected.csv"]
)
def test_vehicles_in_a_state_are_counted_by_one_minute_snapshots(
    client: Client, table: str
) -> None:
    add_events([*BEFORE, *read_events("1.1_1_events.csv")])
    check(client, table)


def test_state_durations_are_cut_at_the_edges_of_intervals(client: Client) -> None:
    add_events(read_events("1.4_1_events.csv"))
    # From 10:00 to 10:04 vehicle_1 is reserved: 240 s, not 180.
    check(client, "1.4_2_expected.csv", {1: {4: 240}})


def test_events_are_counted_where_they_happen(client: Client) -> None:
    add_events(read_events("1.4_1_events.csv"))
    check(client, "1.5_1_expected.csv")


@pytest.mark.parametrize(
    ("table", "corrections"),
    [
        ("1.6_2_expected.csv", {}),
        # The trips that end at 10:30 in Downtown are those of the end, not of the start.
        ("1.7_1_expected.csv", {3: {0: "trips.end_loc.duration.avg"}}),
        ("1.8_1_expected.csv", {}),
        ("1.9_1_expected.csv", {}),
        ("1.10_1_expected.csv", {}),
    ],
)
def test_trips_are_counted_where_they_start_or_end(
    client: Client, table: str, corrections: dict[int, dict[int, Any]]
) -> None:
    add_trips(
        (
            row["trip_id"],
            "scooter",
            *(
                row[name].replace(" AM", "Z").replace(" ", "T")
                for name in ("start_time", "end_time")
            ),
            row["trip_duration (seconds)"],
            row["trip_distance (meter)"],
            row["start_geography"],
            row["end_geography"],
        )
        for row in read_table("1.6_1_trips.csv")
    )
    check(client, table, corrections)


@pytest.mark.parametrize(
    "table", ["2.1_3_expected.csv", "2.3_1_expected.csv", "2.5_1_expected.csv"]
)
def test_deployed_vehicles_are_those_in_the_public_right_of_way(client: Client, table: str) -> None:
    add_events(
        [
            ("vehicle_2", "09:00", "service_start", "available", "Zone A"),
            *read_events("2.1_1_events.csv"),
        ]
    )
    check(client, table)


@pytest.mark.parametrize("table", ["2.2_1_expected.csv", "2.4_1_expected.csv"])
def test_extreme_averages_are_those_of_the_hours(client: Client, table: str) -> None:
    # Hours of 132, 246, 222 and 108 minutes of vehicles: averages of 2.20, 4.10, 3.70 and 1.80.
    events: list[Event] = [("v1", "05:00", "service_start", "available", "Zone A")]
    minutes = {
        "v2": ("06:00", "07:00"),
        "v3": ("06:00", "06:12"),
        "v4": ("07:00", "08:00"),
        "v5": ("07:00", "08:00"),
        "v6": ("07:00", "08:00"),
        "v7": ("07:00", "07:06"),
        "v8": ("08:00", "09:00"),
        "v9": ("08:00", "09:00"),
        "v10": ("08:00", "08:42"),
        "v11": ("09:00", "09:48"),
    }
    for device, (begin, end) in minutes.items():
        events.append((device, begin, "provider_drop_off", "available", "Zone A"))
        events.append((device, end, "provider_pick_up", "removed", "Zone A"))
    add_events(events)
    # The day's four-hour intervals begin at 04:00 and 08:00; 06:00 is none of them.
    *hours, _ = expected(table)
    for metric, start, interval, place, value in hours:
        assert value_of(client, metric, start, interval, place) == pytest.approx(value)
    extreme = list(expected(table))[-1]
    shifted = ask_rows(
        client,
        extreme[0],
        interval="PT4H",
        start_date=f"{DAY}T04:00-02",
        dimensions=["geography_id"],
    )
    assert shifted == [[f"{DAY}T04:00-02", "Zone A", pytest.approx(extreme[4])]]


def test_active_vehicles_have_a_trip_and_inactive_ones_none(client: Client) -> None:
    add_events(read_events("2.6_1_events.csv"))
    check(client, "2.6_2_expected.csv")
    # Every vehicle of Zone A has a trip: none is inactive there.
    check(client, "2.7_1_expected.csv", {0: {4: 0}})


def test_the_idle_percentage_is_the_share_of_time_without_a_trip(client: Client) -> None:
    # 3200 s available, 1800 s unavailable, 60 s reserved and 120 s on a trip.
    events: list[Event] = [
        *((f"a{n}", "09:00", "service_start", "available", "Zone A") for n in range(3)),
        *((f"u{n}", "09:00", "service_end", "unavailable", "Zone A") for n in range(2)),
        ("x", "10:00", "service_start", "available", "Zone A"),
        ("x", "10:08:20", "reserve", "reserved", "Zone A"),
        ("x", "10:09:20", "trip_start", "trip", "Zone A"),
        ("x", "10:11:20", "provider_pick_up", "removed", "Zone A"),
    ]
    add_events(events)
    check(client, "2.8_1_expected.csv")


def test_the_active_percentage_divides_the_active_by_all_deployed(client: Client) -> None:
    add_events(read_events("2.6_1_events.csv"))
    # With none inactive in Zone A and none active in Zone B, the shares are 1 and 0.
    check(client, "2.9_1_expected.csv", {1: {4: 0}, 3: {4: 1}, 4: {4: 0}})


def test_trips_per_vehicle_divide_trips_by_the_average_deployed(client: Client) -> None:
    add_events((f"v{n}", "09:00", "service_start", "available", "Zone A") for n in range(2))
    start, end = moment("10:05"), moment("10:10")
    add_trips((f"t{n}", "scooter", start, end, 300, 900, "Zone A", "Zone A") for n in range(20))
    name = "dockless.utilization.trips_per_vehicle.avg"  # "trips_frequency" in the document
    check(client, "2.10_1_expected.csv", {2: {0: name}})
