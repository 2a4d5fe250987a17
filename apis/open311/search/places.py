"""The `where` argument: a prefix, a colon and a place (api.md, "The where argument")."""

from typing import TypeAlias

import msgspec

from apis.open311.search.geography import Box, Circle, parse_box, parse_circle, parse_geohash
from project.base.config import Open311

BUILT_IN = (
    (
        "bbox",
        "A box: latitude and longitude of its south-west, then of its north-east corner",
        "bbox:37.788,-122.344,37.857,-122.256",
    ),
    (
        "near",
        "Around a point; a third value is the distance in metres",
        "near:37.804376,-122.271180",
    ),
    ("geohash", "The cell of a geohash", "geohash:9q9p1dhf7"),
    ("zip", "A postal code", "zip:94612"),
)


class Named(msgspec.Struct, frozen=True):
    """A place by its name in a column."""

    column: str
    value: str


Place: TypeAlias = Box | Circle | Named


def list_terms(config: Open311) -> list[dict[str, str]]:
    """Return every prefix with its description and an example."""
    added = [(name, each.description, each.example) for name, each in config.where.items()]
    return [
        {"prefix": prefix, "description": description, "example": example}
        for prefix, description, example in (*BUILT_IN, *added)
    ]


def parse_place(text: str, config: Open311) -> Place:
    """Return the place of a `where` argument; raise `ValueError` that says what is wrong."""
    prefix, colon, value = text.partition(":")
    if not colon or not value:
        raise ValueError("write a prefix, a colon and a place, such as zip:94612")
    if prefix == "bbox":
        return parse_box(value)
    if prefix == "near":
        return parse_circle(value, default_m=config.near_m, max_m=config.max_near_m)
    if prefix == "geohash":
        return parse_geohash(value)
    if prefix == "zip":
        return Named("zip", value)
    if prefix in config.where:
        return Named(config.where[prefix].column, value)
    raise ValueError(f"there is no prefix {prefix[:40]!r}; open311.where.getList lists them")
