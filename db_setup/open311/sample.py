"""Deterministic sample rows: an invented harbour city's services and two years of incidents."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

Row = dict[str, Any]

INCIDENTS = 2000
BAD_EVERY = 97  # one incident in so many cannot be stored, each for another reason
FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)
MINUTES = 2 * 365 * 24 * 60

STATUSES = ("open", "pending", "closed")
SERVICES = (
    ("Pothole", "streets", "A hole in a road or a pavement"),
    ("Street light out", "streets", "A lamp that is dark, flickers or burns by day"),
    ("Graffiti", "cleaning", "Writing or painting on public property"),
    ("Missed collection", "cleaning", "Bins that were not emptied on their day"),
    ("Illegal dumping", "cleaning", "Waste left in the street"),
    ("Fallen tree", "parks", "A tree or a large branch that lies or leans"),
    ("Water leak", "water", "Water that comes out of the ground or a hydrant"),
    ("Blocked drain", "water", "A gully that does not take the rain"),
    ("Noise", "neighbours", "Noise at night or from a building site"),
    ("Abandoned vehicle", "streets", "A vehicle nobody seems to own"),
)
# Name, postal code, latitude and longitude of the middle.
NEIGHBOURHOODS = (
    ("Harbour", "40110", 37.805, -122.412),
    ("Old Town", "40112", 37.795, -122.404),
    ("Hillside", "40115", 37.752, -122.443),
    ("Mills", "40118", 37.764, -122.391),
    ("Northgate", "40121", 37.801, -122.437),
    ("Dunes", "40124", 37.757, -122.497),
)
STREETS = ("Anchor", "Beacon", "Cedar", "Depot", "Ferry", "Granite", "Hawthorn", "Juniper")
SOURCES = ("phone", "web", "app", "counter")
NOTES = ("A crew was sent", "Waiting for a part", "Done; please report again if it comes back")


def rows(seed: int) -> Iterator[tuple[str, Row]]:
    """Yield (table, row) so that a row comes after the rows it refers to."""
    for number, name in enumerate(STATUSES, 1):
        yield "statuses", {"status_id": number, "name": name}
    for number, (name, kind, description) in enumerate(SERVICES, 1):
        yield (
            "services",
            {"service_id": number, "name": name, "type": kind, "description": description},
        )
    chance = random.Random(seed)  # noqa: S311 - sample data, not a secret
    incidents = [_incident(chance, number) for number in range(1, INCIDENTS + 1)]
    for number, row in enumerate(incidents, 1):
        yield "incidents", _spoil(row, number // BAD_EVERY) if number % BAD_EVERY == 0 else row
    for number, row in enumerate(incidents, 1):
        if number % 5 == 0 and number % BAD_EVERY:
            yield "incident_notes", _note(chance, number // 5, row)


def _incident(chance: random.Random, number: int) -> Row:
    created = FIRST_DAY + timedelta(minutes=chance.randrange(MINUTES))
    status = chance.choices((1, 2, 3), (2, 1, 7))[0]
    name, code, latitude, longitude = chance.choice(NEIGHBOURHOODS)
    # Services of a low number are reported more, as in a real city some are.
    service = 1 + int(len(SERVICES) * chance.random() ** 1.5)
    return {
        "incident_id": number,
        "service_id": service,
        "status_id": status,
        "created": created.isoformat(),
        "modified": (
            created + timedelta(minutes=chance.randrange(20160) * (status - 1))
        ).isoformat(),
        "latitude": round(chance.gauss(latitude, 0.006), 6),
        "longitude": round(chance.gauss(longitude, 0.008), 6),
        "description": f"{SERVICES[service - 1][0]} near the corner",
        "address": f"{chance.randrange(1, 400)} {chance.choice(STREETS)} Street",
        "zip": code,
        "neighbourhood": name,
        "source": chance.choice(SOURCES),
    }


def _note(chance: random.Random, number: int, incident: Row) -> Row:
    return {
        "note_id": number,
        "incident_id": incident["incident_id"],
        "created": incident["modified"],
        "note": chance.choice(NOTES),
        "public": chance.random() < 0.7,
    }


def _spoil(row: Row, turn: int) -> Row:
    changes: tuple[Row, ...] = (
        {"latitude": 137.8},
        {"service_id": 999},
        {"created": "2024-02-30T08:00:00Z"},
        {"longitude": None},
        {"status_id": "done"},
        {"zip": "x" * 30},
    )
    return row | changes[turn % len(changes)]
