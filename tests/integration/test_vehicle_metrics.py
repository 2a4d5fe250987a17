"""Metrics of vehicle states against states looked up minute by minute, second by second."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.sending import execute
from tests.vehicles import DAY, add_events, ask

pytestmark = pytest.mark.usefixtures("database")

STATES = ["available", "reserved", "trip", "removed"]
DEPLOYED = {"available", "reserved", "trip"}
FIRST = datetime.fromisoformat(f"{DAY}T00:00Z")
MINUTE = timedelta(minutes=1)

# Vehicle, second of the first four hours, state, zone.
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["v1", "v2", "v3", "v4"]),
        st.one_of(st.integers(0, 4 * 3600 - 1), st.integers(0, 4 * 60 - 1).map(lambda m: m * 60)),
        st.sampled_from(STATES),
        st.sampled_from(["A", "B"]),
    ),
    max_size=30,
    unique_by=lambda event: event[:2],
)
Event = tuple[str, int, str, str]
Span = tuple[str, datetime, datetime, str, str]


def spans_of(events: list[Event]) -> list[Span]:
    spans = []
    for device in {event[0] for event in events}:
        own = sorted(event for event in events if event[0] == device)
        ends = [event[1] for event in own[1:]] + [10**6]
        spans += [
            (device, FIRST + timedelta(seconds=at), FIRST + timedelta(seconds=end), state, zone)
            for (_, at, state, zone), end in zip(own, ends, strict=True)
        ]
    return spans


def expect(spans: list[Span], zone: str, start: datetime, end: datetime) -> list[Any]:
    """Compute the metrics of a zone and an interval from their definitions."""
    minutes = int((end - start) / MINUTE)

    def count(at: datetime, is_counted: Callable[[str], bool]) -> int:
        return sum(s[1] <= at < s[2] and is_counted(s[3]) and s[4] == zone for s in spans)

    available = [count(start + n * MINUTE, "available".__eq__) for n in range(minutes)]
    deployed = [count(start + n * MINUTE, DEPLOYED.__contains__) for n in range(minutes)]
    overlaps = [s for s in spans if s[1] < end and (s[2] > start or s[1] >= start)]
    seconds = sum(
        (min(s[2], end) - max(s[1], start)).total_seconds()
        for s in overlaps
        if s[3] == "trip" and s[4] == zone
    )
    riding = {s[0] for s in overlaps if s[3] == "trip"}
    active = {s[0] for s in overlaps if s[3] == "trip" and s[4] == zone}
    idle = {s[0] for s in overlaps if s[3] in DEPLOYED and s[4] == zone} - riding
    return [
        pytest.approx(sum(available) / minutes),
        *(min(available), max(available), available[0]),
        pytest.approx(sum(deployed) / minutes),
        pytest.approx(seconds),
        *(len(active), len(idle)),
    ]


METRICS = [
    *("vehicles.available.avg", "vehicles.available.min", "vehicles.available.max"),
    *("vehicles.available.count", "dockless.deployed.avg", "vehicles.trip.duration.sum"),
    *("dockless.active.count", "dockless.inactive.count"),
]


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(EVENTS, st.sampled_from(["PT15M", "PT1H"]), st.integers(0, 3))
def test_metrics_are_those_of_every_minute(
    client: Client, events: list[Event], interval: str, hour: int
) -> None:
    execute("DELETE FROM mds.vehicle_events")
    add_events(
        (device, str(timedelta(seconds=at)).zfill(8), f"event_{state}", state, zone)
        for device, at, state, zone in events
    )
    answer = ask(
        client,
        *METRICS,
        interval=interval,
        start_date=f"{DAY}T0{hour}:00Z",
        end_date=f"{DAY}T04:00Z",
        dimensions=["geography_id"],
    )
    length = timedelta(minutes=15 if interval == "PT15M" else 60)
    spans = spans_of(events)
    for text, zone, *values in answer.json()["rows"]:
        start = datetime.fromisoformat(text)
        assert values == expect(spans, zone, start, start + length), (text, zone)
    # What is left out has nothing to tell.
    zones = {row[1] for row in answer.json()["rows"]}
    for zone in {"A", "B"} - zones:
        start = FIRST + timedelta(hours=hour)
        while start <= FIRST + timedelta(hours=4):
            assert expect(spans, zone, start, start + length) == [0] * len(METRICS)
            start += length


def test_averages_of_a_long_day_count_its_25_hours(client: Client) -> None:
    zone = ZoneInfo("America/New_York")
    begin = datetime(2019, 11, 3, tzinfo=zone).astimezone(UTC)
    execute("INSERT INTO mds.vehicles (device_id) VALUES ('v1')")
    execute(
        "INSERT INTO mds.vehicle_events (device_id, event_time, event_type, vehicle_state)"
        f" VALUES ('v1', '{begin + timedelta(hours=20)}', 'service_start', 'available')"
    )
    metrics = ["vehicles.available.avg", "vehicles.available.duration.sum"]
    query = {"interval": "P1D", "timezone": "America/New_York"}
    start = "2019-11-03T00:00-04"
    rows = ask(client, *metrics, "dockless.deployed.avg.min", start_date=start, **query).json()
    assert rows["rows"] == [[start, pytest.approx(5 / 25), 5 * 3600.0, 0.0]]
