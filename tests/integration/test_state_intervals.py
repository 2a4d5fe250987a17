"""Vehicle states as intervals, refreshed incrementally, against states replayed from all events."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apis.metrics.computation.vehicle_states import refresh as refresh_job
from apis.metrics.computation.vehicle_states import refresh_state_intervals
from project.base.database import reader_connection
from tests.api.sending import execute, send, stored
from tests.vehicles import add_events, add_vehicles, ask_rows

pytestmark = pytest.mark.usefixtures("database")

START = datetime(2019, 9, 17, tzinfo=UTC)
STATES = ["available", "reserved", "trip", "removed"]
VEHICLES = ["v1", "v2", "v3"]
ZONES = ["A", "B"]


def refresh() -> int:
    return refresh_state_intervals(reader_connection())


def replay() -> list[tuple[Any, ...]]:
    """Return the intervals as all events make them, one after another."""
    events = stored(
        "SELECT device_id, event_time, vehicle_state, geography_id FROM mds.vehicle_events"
        " ORDER BY device_id, event_time, sequence, event_type"
    )
    intervals = []
    for device, group in groupby(events, key=lambda event: event[0]):
        own = list(group)
        ends = [str(event[1]) for event in own[1:]] + ["infinity"]
        intervals += [
            (device, state, zone, str(time), end)
            for (_, time, state, zone), end in zip(own, ends, strict=True)
        ]
    return sorted(intervals)


def kept() -> list[tuple[Any, ...]]:
    return sorted(
        (device, state, zone, str(started), ended.replace("+00", "+00:00"))
        for device, state, zone, started, ended in stored(
            "SELECT device_id, vehicle_state, geography_id, started_at, ended_at::text"
            " FROM reports.vehicle_state_intervals"
        )
    )


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["insert", "insert", "insert", "delete", "update", "move", "refresh"]),
        st.sampled_from(VEHICLES),
        st.integers(0, 12),
        st.sampled_from(STATES),
        st.sampled_from(ZONES),
    ),
    max_size=25,
)

STATEMENTS = {
    "insert": "INSERT INTO mds.vehicle_events"
    " (device_id, event_time, event_type, sequence, vehicle_state, geography_id)"
    " VALUES (%(device)s, %(time)s, %(state)s, %(place)s, %(state)s, %(zone)s)"
    " ON CONFLICT DO NOTHING",
    "delete": "DELETE FROM mds.vehicle_events WHERE device_id = %(device)s"
    " AND event_time >= %(time)s AND event_type = %(state)s",
    "update": "UPDATE mds.vehicle_events SET vehicle_state = %(state)s, geography_id = %(zone)s"
    " WHERE device_id = %(device)s AND event_time = %(time)s",
    "move": "UPDATE mds.vehicle_events SET event_time = event_time + interval '7 h 1 s'"
    " WHERE device_id = %(device)s AND event_time = %(time)s",
}


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(STEPS)
def test_refreshed_intervals_are_those_of_a_replay(steps: Iterable[Any]) -> None:
    execute("DELETE FROM mds.vehicle_events")
    add_vehicles(*VEHICLES)
    for action, device, hour, state, zone in steps:
        if action == "refresh":
            refresh()
            continue
        with connection.cursor() as cursor:
            cursor.execute(
                STATEMENTS[action],
                {
                    "device": device,
                    "time": START + timedelta(hours=hour),
                    "state": state,
                    "place": ZONES.index(zone),
                    "zone": zone,
                },
            )
    refresh()
    assert kept() == replay()


def test_a_refresh_writes_only_what_changed() -> None:
    add_events(
        ("v1" if n % 2 else "v2", f"10:{n:02}", "located", "available", "A") for n in range(60)
    )
    assert refresh() == 60
    assert refresh() == 0
    add_events([("v1", "11:00", "reserve", "reserved", "A")])
    assert refresh() == 2  # the interval that was open until now, and the new one
    add_events([("v2", "10:55:30", "reserve", "reserved", "A")])
    assert refresh() == 4  # from the event before the late one
    assert kept() == replay()


def test_batches_that_are_ingested_are_seen_by_the_next_query(client: Client) -> None:
    assert (
        send(client, "mds.vehicles", [{"device_id": "v1", "vehicle_type": "moped"}]).status_code
        == 201
    )
    event = {
        "device_id": "v1",
        "event_time": "2019-09-17T10:05:00Z",
        "event_type": "service_start",
        "vehicle_state": "available",
    }
    query: Any = {"interval": "PT15M", "start_date": "2019-09-17T10:00Z"}
    assert send(client, "vehicle_events", [event]).status_code == 201
    assert ask_rows(client, "vehicles.available.max", **query) == [["2019-09-17T10:00Z", 1]]
    execute(
        "INSERT INTO mds.vehicle_events (device_id, event_time, event_type, vehicle_state)"
        " VALUES ('v1', '2019-09-17T10:05Z', 'service_start', 'removed')"
        " ON CONFLICT ON CONSTRAINT vehicle_events_pkey"
        " DO UPDATE SET vehicle_state = excluded.vehicle_state"
    )
    assert ask_rows(client, "vehicles.available.max", **query) == [["2019-09-17T10:00Z", 0]]


def test_a_changed_vehicle_changes_its_intervals() -> None:
    add_events([("v1", "10:00", "service_start", "available", "A")])
    refresh()
    execute("UPDATE mds.vehicles SET vehicle_type = 'bicycle'")
    refresh()
    assert stored("SELECT vehicle_type FROM reports.vehicle_state_intervals") == [("bicycle",)]


def test_a_truncated_table_is_noticed() -> None:
    add_events([("v1", "10:00", "service_start", "available", "A")])
    refresh()
    execute("TRUNCATE mds.vehicle_events")
    refresh()
    assert kept() == []


def test_everything_is_computed_anew_where_triggers_are_missing() -> None:
    execute("ALTER TABLE mds.vehicle_events DISABLE TRIGGER note_inserted")
    try:
        refresh()
        add_events([("v1", "10:00", "service_start", "available", "A")])
        refresh()
        assert kept() == replay() != []
    finally:
        execute("ALTER TABLE mds.vehicle_events ENABLE TRIGGER note_inserted")


def test_the_scheduled_job_says_what_it_wrote() -> None:
    add_events([("v1", "10:00", "service_start", "available", "A")])
    assert refresh_job() == "1 intervals written"
    assert kept() == replay() != []


def test_any_role_of_the_service_may_refresh() -> None:
    add_events([("v1", "10:00", "service_start", "available", "A")])
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE rowhouse_service")
        try:
            refresh()
        finally:
            cursor.execute("RESET ROLE")
    assert kept() == replay() != []
