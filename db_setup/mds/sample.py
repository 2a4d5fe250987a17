"""Deterministic sample rows: two invented companies whose vehicles move about for a week."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

Row = dict[str, Any]

VEHICLES = 60
BAD_EVERY = 211  # one trip in so many cannot be stored, each for another reason
FIRST_DAY = datetime(2024, 6, 3, tzinfo=UTC)
DAYS = 7

PROVIDERS = (
    (str(UUID(int=0x5CA1E << 96 | 1)), "Gull Scooters"),
    (str(UUID(int=0x5CA1E << 96 | 2)), "Harbor Bikes"),
)
AREAS = ("Old Port", "Mill District", "University", "Eastern Hills")
TYPES = ("scooter", "bicycle")


def rows(seed: int) -> Iterator[tuple[str, Row]]:
    """Yield (table, row) so that a row comes after the rows it refers to."""
    chance = random.Random(seed)  # noqa: S311 - sample data, not a secret
    for identifier, name in PROVIDERS:
        yield "providers", {"provider_id": identifier, "provider_name": name}
    for name in AREAS:
        yield (
            "geographies",
            {"geography_id": _key(name), "name": name, "geography_type": "district"},
        )
    vehicles = [_Vehicle(chance, number) for number in range(1, VEHICLES + 1)]
    for vehicle in vehicles:
        yield "vehicles", vehicle.row
    for vehicle in vehicles:
        vehicle.live()
    for vehicle in vehicles:
        for event in vehicle.events:
            yield "vehicle_events", event
    trips = [trip for vehicle in vehicles for trip in vehicle.trips]
    for number, trip in enumerate(trips, 1):
        turn = number // BAD_EVERY
        yield "trips", _spoil(trip, turn) if number % BAD_EVERY == 0 else trip


class _Vehicle:
    """One vehicle and what happens to it."""

    def __init__(self, chance: random.Random, number: int) -> None:
        kind = number % 2
        self._chance = chance
        self._area = chance.choice(AREAS)
        self._provider = PROVIDERS[kind][0]
        self._type = TYPES[kind]
        self._device = f"sample-{number:03}"
        self._now = FIRST_DAY + timedelta(hours=5, minutes=chance.randrange(120))
        self.row: Row = {
            "device_id": self._device,
            "provider_id": self._provider,
            "vehicle_id": f"{self._type[0].upper()}{number:03}",
            "vehicle_type": self._type,
        }
        self.events: list[Row] = []
        self.trips: list[Row] = []

    def live(self) -> None:
        """Let the vehicle be out in the day and in the workshop now and then at night."""
        self._happen("provider_drop_off", "available")
        end = FIRST_DAY + timedelta(days=DAYS)
        while self._now < end:
            # Few ride at night.
            self._wait(20, 150 if 6 <= self._now.hour < 22 else 500)
            if self._chance.random() < 0.04:
                self._happen("provider_pick_up", "removed")
                self._wait(120, 600)
                self._area = self._chance.choice(AREAS)
                self._happen("provider_drop_off", "available")
            else:
                self._ride()

    def _ride(self) -> None:
        if self._chance.random() < 0.3:
            self._happen("reserve", "reserved")
            self._wait(1, 10)
        start, begun_in = self._now, self._area
        self._happen("trip_start", "trip")
        self._wait(3, 45)
        self._area = self._chance.choice(AREAS)
        self._happen("trip_end", "available")
        seconds = int((self._now - start).total_seconds())
        self.trips.append(
            {
                "trip_id": f"{self._device}-{len(self.trips) + 1:04}",
                "provider_id": self._provider,
                "device_id": self._device,
                "vehicle_type": self._type,
                "start_time": start.isoformat(),
                "end_time": self._now.isoformat(),
                "trip_duration": seconds,
                "trip_distance": int(seconds * self._chance.uniform(1.5, 4)),
                "start_geography_id": _key(begun_in),
                "end_geography_id": _key(self._area),
            }
        )

    def _happen(self, event_type: str, state: str) -> None:
        self.events.append(
            {
                "device_id": self._device,
                "event_time": self._now.isoformat(),
                "event_type": event_type,
                "vehicle_state": state,
                "geography_id": _key(self._area),
            }
        )

    def _wait(self, least: int, most: int) -> None:
        self._now += timedelta(seconds=self._chance.randrange(least * 60, most * 60))


def _key(name: str) -> str:
    return name.lower().replace(" ", "_")


def _spoil(row: Row, turn: int) -> Row:
    changes: tuple[Row, ...] = (
        {"start_time": ""},
        {"trip_distance": -5},
        {"end_time": "2019-01-01T00:00:00Z"},
        {"trip_duration": "a while"},
        {"provider_id": "Gull Scooters"},
    )
    return row | changes[turn % len(changes)]
