"""Searches against a brute-force model: the same criteria over the same incidents in Python."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.open311 import SERVICES, STATUSES, call, load
from tests.scale import scale

pytestmark = pytest.mark.usefixtures("database")

FIRST = datetime(2020, 12, 30, tzinfo=UTC)
DAYS = 5
EDGES = (-180.0, -179.5, -1.0, 0.0, 1.0, 179.5, 180.0)


def make_incidents() -> list[dict[str, Any]]:
    chance = random.Random(311)
    return [
        {
            "incident_id": number,
            "service_id": chance.choice((1, 2, 3)),
            "status_id": chance.choice((1, 2, 3)),
            # On the borders of hours and days as often as amid them.
            "created": FIRST
            + timedelta(
                hours=chance.randrange(DAYS * 24), seconds=chance.choice((0, 0, 1800, 3599))
            ),
            "latitude": chance.choice((-90.0, -10.0, 0.0, 10.0, 90.0, chance.uniform(-90, 90))),
            "longitude": chance.choice((*EDGES, chance.uniform(-180, 180))),
        }
        for number in range(1, 151)
    ]


INCIDENTS = make_incidents()

latitudes = st.sampled_from([-90.0, -10.0, 0.0, 10.0, 90.0]) | st.floats(-90, 90).map(
    lambda value: round(value, 3)
)
longitudes = st.sampled_from(EDGES) | st.floats(-180, 180).map(lambda value: round(value, 3))
hours = st.integers(0, DAYS * 24 - 1).map(lambda hour: FIRST + timedelta(hours=hour))
forms = st.sampled_from(["%Y", "%Y-%m", "%Y-%m-%d", "%Y-%m-%dT%H:%MZ", "%Y-%m-%dT%H:%M:%SZ"])


@st.composite
def boxes(draw: st.DrawFn) -> tuple[float, float, float, float]:
    south, north = sorted((draw(latitudes), draw(latitudes)))
    return south, draw(longitudes), north, draw(longitudes)


@st.composite
def ranges(draw: st.DrawFn) -> tuple[str, str]:
    """The texts of two values of one precision, in order."""
    form = draw(forms)
    first, last = sorted((draw(hours), draw(hours)))
    return first.strftime(form), last.strftime(form)


def is_in_box(incident: dict[str, Any], box: tuple[float, float, float, float]) -> bool:
    south, west, north, east = box
    longitude = incident["longitude"]
    reaches_west, reaches_east = longitude >= west, longitude <= east
    across = reaches_west and reaches_east if west <= east else reaches_west or reaches_east
    return south <= incident["latitude"] <= north and across


def is_in_range(incident: dict[str, Any], texts: tuple[str, str]) -> bool:
    """Whether what the moment is called at this precision lies between the two, as text."""
    first, last = texts
    form = {4: "%Y", 7: "%Y-%m", 10: "%Y-%m-%d", 17: "%Y-%m-%dT%H:%MZ", 20: "%Y-%m-%dT%H:%M:%SZ"}
    return first <= incident["created"].strftime(form[len(first)]) <= last


@pytest.fixture
def loaded(client: Client) -> None:
    load(client, "statuses", STATUSES, "?on_conflict=ignore")
    load(client, "services", SERVICES)
    rows = [each | {"created": each["created"].isoformat()} for each in INCIDENTS]
    load(client, "incidents", rows)


@pytest.mark.usefixtures("loaded")
@settings(
    max_examples=scale(40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    box=st.none() | boxes(),
    dates=st.none() | ranges(),
    services=st.sets(st.sampled_from([1, 2, 3, 4])),
    size=st.sampled_from([7, 50, 1000]),
)
def test_a_search_finds_what_the_model_finds_in_the_same_order(
    box: tuple[float, float, float, float] | None,
    dates: tuple[str, str] | None,
    services: set[int],
    size: int,
) -> None:
    criteria = {"status_id": "1,2,3", "per_page": str(size)}
    expected = list(INCIDENTS)
    if box is not None:
        criteria["where"] = "bbox:" + ",".join(f"{value:.3f}" for value in box)
        expected = [each for each in expected if is_in_box(each, box)]
    if dates is not None:
        criteria["created"] = ";".join(dates)
        expected = [each for each in expected if is_in_range(each, dates)]
    if services:
        criteria["service_id"] = ",".join(map(str, services))
        expected = [each for each in expected if each["service_id"] in services]
    expected.sort(key=lambda each: (each["created"], each["incident_id"]), reverse=True)
    found: list[int] = []
    pages = 1
    while len(found) < len(expected) or not found:
        answer = call("incidents.search", **criteria, page=str(pages)).json()
        assert (answer["total"], answer["pages"]) == (len(expected), -(-len(expected) // size))
        found += [each["id"] for each in answer["incidents"]]
        if not answer["incidents"]:
            break
        pages += 1
    assert found == [each["incident_id"] for each in expected]
