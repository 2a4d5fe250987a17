"""The API's answers described for OpenAPI."""

from typing import Any

from apis.covid.fields.documents import FieldNote
from project.http.openapi import parameter, reference

_MOMENT = {"type": "string", "format": "date-time"}
_URI = {"type": "string", "format": "uri-reference"}

STATE: dict[str, Any] = {
    "type": "object",
    "description": "What is known about a state",
    "required": ["state", "name", "slug"],
    "properties": {
        "state": {"type": "string", "description": "Postal code"},
        "name": {"type": "string"},
        "slug": {"type": "string", "description": "The name as it stands in addresses"},
        "fips": {"type": ["string", "null"]},
        "population": {"type": ["integer", "null"]},
        "notes": {"type": ["string", "null"], "description": "Markdown"},
    },
}
_COMPUTED: dict[str, Any] = {
    "type": "object",
    "properties": {
        "average_7_day": {"type": ["number", "null"], "description": "Of `current` only"},
        "population_percent": {"type": ["number", "null"]},
        "change_from_prior_day": {"type": ["integer", "null"]},
        "change_7_day_percent": {"type": ["number", "null"]},
    },
}
_SERIES: dict[str, Any] = {
    "type": "object",
    "properties": {"value": {"type": ["integer", "null"]}, "computed": _COMPUTED},
}
_FIGURE: dict[str, Any] = {"anyOf": [_SERIES, {"type": ["integer", "null"]}]}
_CHOICE: dict[str, Any] = {
    "type": "object",
    "description": "A total that cannot be treated alike: the fields to take instead",
    "required": ["complete_field", "preferred_field"],
    "properties": {
        "complete_field": {"type": ["string", "null"]},
        "preferred_field": {"type": ["string", "null"]},
    },
}


ROW: dict[str, Any] = {
    "type": "object",
    "description": "A day of a state or of the nation: categories of fields. With /simple a figure "
    "is a number, without it an object",
    "required": ["date", "meta"],
    "properties": {
        "state": {"type": "string"},
        "states": {"type": "integer", "description": "States that reported, of the nation"},
        "date": _MOMENT,
        "meta": {
            "type": "object",
            "required": ["last_update"],
            "properties": {"last_update": _MOMENT},
        },
    },
    "additionalProperties": {
        "type": "object",
        "additionalProperties": {
            "anyOf": [
                _CHOICE,
                {
                    "type": "object",
                    "properties": {"current": _FIGURE, "cumulative": _FIGURE},
                    "minProperties": 1,
                    "additionalProperties": False,
                },
            ]
        },
    },
}


def envelope_of(item: Any, *, with_states: bool = False) -> dict[str, Any]:
    """Return the schema of an answer whose data are these."""
    properties: dict[str, Any] = {
        "links": {
            "type": "object",
            "required": ["self"],
            "properties": {
                "self": _URI,
                "next": {**_URI, "type": ["string", "null"], "description": "The days before"},
                "prev": {**_URI, "type": ["string", "null"], "description": "The days after"},
            },
        },
        "meta": {
            "type": "object",
            "required": [
                *("build_time", "data_definitions", "license", "version", "field_definitions")
            ],
            "properties": {
                "build_time": _MOMENT | {"type": ["string", "null"]},
                "data_definitions": _URI,
                "license": _URI,
                "version": {"type": "number"},
                "field_definitions": {"type": "array", "items": reference(FieldNote)},
            },
        },
    }
    if with_states:
        properties["states"] = {"type": "array", "items": STATE}
    properties["data"] = {"type": "array", "items": reference(item)}
    return {"type": "object", "required": list(properties), "properties": properties}


FIELDS = parameter(
    "fields",
    "Some fields only, separated by commas: cases, cases.cases or cases.cases.current. Former "
    "names are understood, and told of in the headers Deprecation, Sunset and Link",
)
RANGE = [
    parameter("from", "The first day", format="date"),
    parameter("to", "The last day", format="date"),
    parameter("page", "A page of days, the newest on page 1", type="integer", minimum=1),
]
