"""Answers written as JSON, GeoJSON and CSV."""

import csv
import io
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from apis.open311.answers.pages import Listing

CONTENT_TYPES = {
    "json": "application/json",
    "geojson": "application/geo+json",
    "csv": "text/csv; charset=utf-8",
}

# The counts of a page, which CSV can carry in headers only.
COUNT_HEADERS = {
    "total": "X-Total",
    "pages": "X-Pages",
    "page": "X-Page",
    "per_page": "X-Per-Page",
    "total_is_estimate": "X-Total-Is-Estimate",
}

_encode = msgspec.json.Encoder().encode


def write_answer(answer: Listing | Mapping[str, Any], form: str) -> bytes:
    """Return the body of an answer; what is no list is always JSON."""
    if not isinstance(answer, Listing):
        return _encode(answer)
    if form == "csv":
        return _write_csv(answer)
    if form == "geojson":
        return _encode(_collect_features(answer))
    return _encode({**answer.counts, answer.name: answer.rows})


def count_headers(answer: Listing) -> dict[str, str]:
    """Return the headers with the counts of a list's page."""
    return {COUNT_HEADERS[name]: str(value).lower() for name, value in answer.counts.items()}


def _collect_features(listing: Listing) -> dict[str, Any]:
    """Return a feature collection (RFC 7946): coordinates are longitude first there."""
    return {
        "type": "FeatureCollection",
        **listing.counts,
        "features": [_feature(_name_values(row)) for row in listing.rows],
    }


def _feature(row: dict[str, Any]) -> dict[str, Any]:
    properties = dict(row)
    latitude = properties.pop("latitude", None)
    longitude = properties.pop("longitude", None)
    geometry = None
    if latitude is not None and longitude is not None:
        geometry = {"type": "Point", "coordinates": [longitude, latitude]}
    feature = {"type": "Feature", "geometry": geometry, "properties": properties}
    return {"id": row["id"], **feature} if "id" in row else feature


def _write_csv(listing: Listing) -> bytes:
    text = io.StringIO()
    if listing.rows:
        writer = csv.writer(text)
        writer.writerow(_name_values(listing.rows[0]))
        for row in listing.rows:
            writer.writerow(map(_field, _name_values(row).values()))
    return text.getvalue().encode()


def _name_values(row: dict[str, Any] | msgspec.Struct) -> dict[str, Any]:
    return row if isinstance(row, dict) else msgspec.structs.asdict(row)


def _field(value: Any) -> Any:
    if isinstance(value, datetime):
        return _encode(value).decode().strip('"')
    return value
