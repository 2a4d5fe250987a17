"""How tests put vehicles, events and trips into the `mds` dataset and ask for metrics."""

import json
from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.test import Client

DAY = "2019-09-17"

Event = tuple[str, str, str, str, str | None]  # vehicle, time, event type, state, geography

_EVENT = """
INSERT INTO mds.vehicle_events (device_id, event_time, event_type, vehicle_state, geography_id)
VALUES (%s, %s, %s, %s, %s)
"""
_TRIP = """
INSERT INTO mds.trips (trip_id, vehicle_type, start_time, end_time, trip_duration, trip_distance,
  start_geography_id, end_geography_id)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""

# A query that can be answered.
GOOD = {"metrics": ["trips.count"], "interval": "P1D", "start_date": "2019-10-21T00:00Z"}


def moment(text: str, day: str = DAY) -> str:
    """Return a time of day, such as 10:04 or 10:04:30, as a moment in UTC."""
    return f"{day}T{text}Z"


def add_vehicles(*devices: str, vehicle_type: str | None = None) -> None:
    """Register vehicles; those that are registered already stay as they are."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO mds.vehicles (device_id, vehicle_type) VALUES (%s, %s)"
            " ON CONFLICT DO NOTHING",
            [(device, vehicle_type) for device in devices],
        )


def add_events(events: Iterable[Event]) -> None:
    """Store events at times of the day, and their vehicles."""
    events = list(events)
    add_vehicles(*sorted({event[0] for event in events}))
    with connection.cursor() as cursor:
        cursor.executemany(
            _EVENT, [(device, moment(time), *rest) for device, time, *rest in events]
        )


def add_trips(trips: Iterable[tuple[Any, ...]]) -> None:
    """Store trips: id, vehicle type, start, end, seconds, metres, start and end geography."""
    with connection.cursor() as cursor:
        cursor.executemany(_TRIP, list(trips))


def ask(client: Client, *metrics: str, **query: Any) -> Any:
    """POST a query and return the answer."""
    body = {"metrics": list(metrics)} | query
    return client.post("/mds/metrics", json.dumps(body), content_type="application/json")


def ask_rows(client: Client, *metrics: str, **query: Any) -> list[list[Any]]:
    """POST a query that has an answer and return its rows."""
    answer = ask(client, *metrics, **query)
    assert answer.status_code == 200, answer.content
    rows: list[list[Any]] = answer.json()["rows"]
    return rows


def trip(
    number: int, start: str, vehicle_type: str | None = "scooter", **more: Any
) -> tuple[Any, ...]:
    """Return a trip for `add_trips` that ends where it began, a minute and 100 m long."""
    end = more.get("end", start)
    seconds, metres = more.get("seconds", 60), more.get("metres", 100)
    return (f"trip {number}", vehicle_type, start, end, seconds, metres, more.get("zone"), "Z")
