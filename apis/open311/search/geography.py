"""The areas of a search: boxes, circles, geohashes, in degrees of WGS84."""

import math
import re

import msgspec

EARTH_RADIUS_M = 6371008.8  # mean radius
_ROUNDING = 1 + 1e-9  # a slightly larger box loses no point to rounding errors
_BASE32 = "0123456789bcdefghjkmnpqrstuvwxyz"
_NUMBER = re.compile(r"[+-]?\d{1,3}(?:\.\d{1,17})?", re.ASCII)


class Box(msgspec.Struct, frozen=True):
    """Both edges belong to it; where `west` is greater than `east` it crosses the antimeridian."""

    south: float
    west: float
    north: float
    east: float

    @property
    def crosses_antimeridian(self) -> bool:
        """Whether it lies on both sides of 180 degrees."""
        return self.west > self.east


class Circle(msgspec.Struct, frozen=True):
    """Everything up to a distance from a point."""

    latitude: float
    longitude: float
    radius_m: float

    @property
    def box(self) -> Box:
        """The smallest box around it."""
        angle = self.radius_m / EARTH_RADIUS_M * _ROUNDING
        reach = math.degrees(angle)
        south, north = self.latitude - reach, self.latitude + reach
        if south <= -90 or north >= 90:
            return Box(max(south, -90), -180, min(north, 90), 180)
        # Away from the equator the widest place is not at the centre's own latitude.
        width = math.degrees(math.asin(math.sin(angle) / math.cos(math.radians(self.latitude))))
        return Box(south, _wrap(self.longitude - width), north, _wrap(self.longitude + width))


def parse_box(text: str) -> Box:
    """Return the box of `south,west,north,east`; raise `ValueError` that says what is wrong."""
    south, west, north, east = _parse_numbers(text, 4, "latitude,longitude,latitude,longitude")
    box = Box(_latitude(south), _longitude(west), _latitude(north), _longitude(east))
    if box.south > box.north:
        raise ValueError("the south-west corner comes first")
    return box


def parse_circle(text: str, *, default_m: float, max_m: float) -> Circle:
    """Return the circle of `latitude,longitude[,metres]`; raise `ValueError`."""
    numbers = text.split(",")
    radius_m = default_m
    if len(numbers) == 3:
        distance = numbers.pop()
        if not re.fullmatch(r"\d{1,8}(?:\.\d{1,6})?", distance, re.ASCII):
            raise ValueError(f"{distance[:30]!r} is not a distance in metres")
        radius_m = float(distance)
        if not 0 < radius_m <= max_m:
            raise ValueError(f"the distance must be above 0 and at most {max_m} metres")
    latitude, longitude = _parse_numbers(",".join(numbers), 2, "latitude,longitude[,metres]")
    return Circle(_latitude(latitude), _longitude(longitude), radius_m)


def parse_geohash(text: str) -> Box:
    """Return the cell of a geohash of 1 to 12 characters; raise `ValueError`."""
    lowered = text.lower()
    if not 1 <= len(lowered) <= 12 or not set(lowered) <= set(_BASE32):
        raise ValueError(f"{text[:30]!r} is not a geohash of 1 to 12 characters")
    latitudes, longitudes = [-90.0, 90.0], [-180.0, 180.0]
    halved = longitudes
    for character in lowered:
        digit = _BASE32.index(character)
        for bit in (16, 8, 4, 2, 1):
            middle = (halved[0] + halved[1]) / 2
            halved[0 if digit & bit else 1] = middle
            halved = latitudes if halved is longitudes else longitudes
    return Box(latitudes[0], longitudes[0], latitudes[1], longitudes[1])


def _parse_numbers(text: str, count: int, form: str) -> list[float]:
    parts = text.split(",")
    if len(parts) != count or not all(_NUMBER.fullmatch(part.strip()) for part in parts):
        raise ValueError(f"{text[:80]!r} is not {form}")
    return [float(part) for part in parts]


def _latitude(value: float) -> float:
    if not -90 <= value <= 90:
        raise ValueError(f"{value} is not a latitude")
    return value


def _longitude(value: float) -> float:
    if not -180 <= value <= 180:
        raise ValueError(f"{value} is not a longitude")
    return value


def _wrap(longitude: float) -> float:
    return (longitude + 180) % 360 - 180
