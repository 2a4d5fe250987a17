"""Boxes, circles and geohashes."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from apis.open311.search.geography import (
    EARTH_RADIUS_M,
    Box,
    Circle,
    parse_box,
    parse_circle,
    parse_geohash,
)


def parse_near(text: str) -> Circle:
    return parse_circle(text, default_m=500, max_m=50000)


def test_a_box_is_its_south_west_then_its_north_east_corner() -> None:
    assert parse_box("37.788,-122.344,37.857,-122.256") == Box(37.788, -122.344, 37.857, -122.256)


def test_a_box_whose_west_is_east_of_its_east_crosses_the_antimeridian() -> None:
    assert parse_box("-20,179,-10,-179").crosses_antimeridian
    assert not parse_box("-20,-180,-10,180").crosses_antimeridian


@pytest.mark.parametrize(
    "text",
    [
        *("", "1,2,3", "1,2,3,4,5", "a,2,3,4", "91,0,92,0", "0,-181,1,0", "2,0,1,0", "nan,0,1,0"),
        *("1e1,0,1,0", "inf,0,1,0", "0,0,1,", "٣,0,4,0"),
    ],
)
def test_refuses_what_is_no_box(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_box(text)


def test_a_circle_has_the_settings_radius_or_its_own() -> None:
    assert parse_near("37.804376,-122.271180") == Circle(37.804376, -122.27118, 500)
    assert parse_near("37.804376,-122.271180,120.5").radius_m == 120.5


@pytest.mark.parametrize("text", ["1", "1,2,0", "1,2,-5", "1,2,50001", "1,2,x", "1,2,3,4", "95,0"])
def test_refuses_what_is_no_circle(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_near(text)


def test_a_geohash_is_its_cell() -> None:
    box = parse_geohash("9q9p1dhf7")
    assert box == parse_geohash("9Q9P1DHF7")
    assert box.south < 37.80436 < box.north
    assert box.west < -122.27116 < box.east
    assert parse_geohash("s") == Box(0, 0, 45, 45)


@pytest.mark.parametrize("text", ["", "a", "9q9p1dhf79q9p", "9q 9", "9q\n"])
def test_refuses_what_is_no_geohash(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_geohash(text)


latitudes = st.floats(-90, 90)
longitudes = st.floats(-180, 180)


def holds(box: Box, latitude: float, longitude: float) -> bool:
    across = box.west <= longitude <= box.east
    if box.crosses_antimeridian:
        across = longitude >= box.west or longitude <= box.east
    return box.south <= latitude <= box.north and across


def metres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """The angle between two vectors from the earth's centre, another way than the haversine."""
    a, b = (
        (
            math.cos(math.radians(latitude)) * math.cos(math.radians(longitude)),
            math.cos(math.radians(latitude)) * math.sin(math.radians(longitude)),
            math.sin(math.radians(latitude)),
        )
        for latitude, longitude in (one, other)
    )
    return EARTH_RADIUS_M * math.atan2(
        math.dist((0, 0, 0), cross(a, b)), sum(x * y for x, y in zip(a, b, strict=True))
    )


def cross(a: tuple[float, ...], b: tuple[float, ...]) -> tuple[float, float, float]:
    return (
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    )


@given(latitudes, longitudes, st.floats(0.1, 15_000_000), st.floats(0, 360), st.floats(0, 1))
def test_the_box_of_a_circle_holds_every_point_of_it(
    latitude: float, longitude: float, radius_m: float, bearing: float, share: float
) -> None:
    circle = Circle(latitude, longitude, radius_m)
    point = travel(latitude, longitude, bearing, radius_m * share)
    assume(metres((latitude, longitude), point) <= radius_m)
    assert holds(circle.box, *point)


def travel(latitude: float, longitude: float, bearing: float, way_m: float) -> tuple[float, float]:
    angle, start, course = way_m / EARTH_RADIUS_M, math.radians(latitude), math.radians(bearing)
    height = math.sin(start) * math.cos(angle) + math.cos(start) * math.sin(angle) * math.cos(
        course
    )
    end = math.asin(max(-1, min(1, height)))
    turn = math.atan2(
        math.sin(course) * math.sin(angle) * math.cos(start),
        math.cos(angle) - math.sin(start) * math.sin(end),
    )
    return math.degrees(end), (longitude + math.degrees(turn) + 180) % 360 - 180
