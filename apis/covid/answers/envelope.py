"""The envelope of every answer: links, meta, the states' metadata, data (RFC, "Schema")."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec
from django.conf import settings
from rest_framework.request import Request

from apis.covid.answers.ranges import Days
from apis.covid.refresh.packing import Piece
from project.base.config import Covid

_encode = msgspec.json.Encoder().encode

# Text as it is, or compressed.
Part = bytes | Piece
COMMA = b","

DATASET = "covid"
FIELDS_PATH = "/covid/v2/fields"


def covid_config() -> Covid:
    """Return the room's settings."""
    config: Covid = settings.CONFIG.covid
    return config


def make_links(request: Request, days: Days | None = None) -> dict[str, str | None]:
    """Return `self`, and `next` and `prev` where a range or page was asked for."""
    links: dict[str, str | None] = {"self": request.build_absolute_uri()}
    if days is not None and any(name in request.GET for name in ("from", "to", "page")):
        links["next"] = _link(request, days.following)
        links["prev"] = _link(request, days.preceding)
    return links


def make_meta(request: Request, build_time: str | None, notes: Any) -> dict[str, Any]:
    """Return the metadata of an answer; `notes` are the field definitions."""
    config = covid_config()
    definitions = config.definitions or request.build_absolute_uri(FIELDS_PATH)
    return {
        "build_time": build_time,
        "data_definitions": definitions,
        "license": config.license,
        "version": config.version,
        "field_definitions": notes,
    }


def wrap(head: Mapping[str, Any], rows: Sequence[Part]) -> list[Part]:
    """Return an answer's parts: the head's members, then `data` with the rows between brackets."""
    parts: list[Part] = [_encode(head)[:-1] + b',"data":[']
    for number, row in enumerate(rows):
        if number:
            parts.append(COMMA)
        parts.append(row)
    return [*parts, b"]}"]


def _link(request: Request, changes: Mapping[str, str] | None) -> str | None:
    """Return the address with other days, given as parameters; all else stays."""
    if changes is None:
        return None
    replaced = {"page"} if "page" in changes else {"from", "to"}
    kept = [(name, value) for name, value in request.GET.items() if name not in replaced]
    return request.build_absolute_uri(f"{request.path}?{urlencode([*kept, *changes.items()])}")
