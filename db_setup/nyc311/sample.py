"""Deterministic sample rows: invented service requests of the last weeks before a fixed day."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

Row = dict[str, Any]

REQUESTS = 3000
BAD_EVERY = 211  # one request in so many cannot be stored, each for another reason
CLOSED_EARLY_EVERY = 401  # one in so many was closed before it was created, as in the real data
LAST_MOMENT = datetime(2025, 1, 20, 23, 59)  # noqa: DTZ001 - floating: a wall clock in New York
MINUTES = 12 * 7 * 24 * 60
FIRST_KEY = 60_000_000

# agency, its name, complaint type, descriptor, mean days until a request is closed
KINDS = (
    ("NYPD", "Police Department", "Noise - Residential", "Loud Music/Party", 0.1),
    ("NYPD", "Police Department", "Illegal Parking", "Blocked Hydrant", 0.2),
    ("NYPD", "Police Department", "Blocked Driveway", "No Access", 0.2),
    ("HPD", "Housing Preservation", "HEAT/HOT WATER", "ENTIRE BUILDING", 3.0),
    ("HPD", "Housing Preservation", "PLUMBING", "WATER SUPPLY", 14.0),
    ("DSNY", "Department of Sanitation", "Missed Collection", "Recycling - Paper", 2.0),
    ("DSNY", "Department of Sanitation", "Derelict Vehicles", "Derelict Vehicles", 6.0),
    ("DOT", "Department of Transportation", "Street Condition", "Pothole", 4.0),
    ("DOT", "Department of Transportation", "Street Light Condition", "Street Light Out", 9.0),
    ("DEP", "Environmental Protection", "Water System", "Leak", 1.5),
    ("DPR", "Parks and Recreation", "Damaged Tree", "Branch or Limb Has Fallen Down", 12.0),
    ("DOHMH", "Health and Mental Hygiene", "Rodent", "Rat Sighting", 8.0),
)
BOROUGHS = (
    ("BRONX", "104", 40.85, -73.88),
    ("BROOKLYN", "112", 40.65, -73.95),
    ("MANHATTAN", "100", 40.77, -73.97),
    ("QUEENS", "113", 40.73, -73.82),
    ("STATEN ISLAND", "103", 40.58, -74.15),
)
CHANNELS = ("PHONE", "ONLINE", "MOBILE", "UNKNOWN")


def rows(seed: int) -> Iterator[tuple[str, Row]]:
    """Yield (table, row), a few of the rows bad."""
    chance = random.Random(seed)  # noqa: S311 - sample data, not a secret
    for number in range(1, REQUESTS + 1):
        row = _request(chance, number)
        bad = number % BAD_EVERY == 0
        yield "service_requests", _spoil(row, number // BAD_EVERY) if bad else row


def _request(chance: random.Random, number: int) -> Row:
    agency, agency_name, complaint_type, descriptor, mean_days = chance.choice(KINDS)
    borough, zip_prefix, latitude, longitude = chance.choice(BOROUGHS)
    created = LAST_MOMENT - timedelta(minutes=chance.randrange(MINUTES))
    latitude = round(latitude + chance.uniform(-0.05, 0.05), 6)
    longitude = round(longitude + chance.uniform(-0.05, 0.05), 6)
    return {
        "unique_key": FIRST_KEY + number,
        "created_date": created.isoformat(),
        "agency": agency,
        "agency_name": agency_name,
        "complaint_type": complaint_type,
        "descriptor": descriptor,
        "incident_zip": f"{zip_prefix}{chance.randrange(10, 40)}",
        "address_type": "ADDRESS",
        "city": "NEW YORK" if borough == "MANHATTAN" else borough,
        "borough": borough,
        "open_data_channel_type": chance.choice(CHANNELS),
        "latitude": latitude,
        "longitude": longitude,
        "location": f"({latitude}, {longitude})",
        **_closure(chance, number, created, mean_days),
    }


def _closure(chance: random.Random, number: int, created: datetime, mean_days: float) -> Row:
    closed = created + timedelta(days=chance.expovariate(1 / mean_days))
    if number % CLOSED_EARLY_EVERY == 0:
        closed = created - timedelta(days=1)
    if closed > LAST_MOMENT:
        return {"status": chance.choice(("Open", "In Progress", "Assigned")), "closed_date": None}
    moment = closed.replace(microsecond=0).isoformat()
    return {
        "status": "Closed",
        "closed_date": moment,
        "resolution_description": "The request was answered.",
        "resolution_action_updated_date": moment,
    }


def _spoil(row: Row, turn: int) -> Row:
    changes: tuple[Row, ...] = (
        {"agency": ""},
        {"created_date": "2024-11-31T08:00:00"},
        {"unique_key": "sixty million"},
        {"complaint_type": None},
        {"latitude": "north"},
        {"zip": "10001"},
    )
    return row | changes[turn % len(changes)]
