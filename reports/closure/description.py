"""What the OpenAPI description says of the closure endpoints."""

from typing import Any

from drf_spectacular.utils import extend_schema

from project.http.openapi import answers, parameter
from reports.closure.parameters import MOST_ROWS, MOST_WEEKS, WEEKS
from reports.closure.tallies import GROUP_COLUMNS

_PARAMETERS = [
    parameter("group_by", "Columns, separated by commas", default="agency"),
    parameter(
        "weeks", "The past weeks", type="integer", minimum=1, maximum=MOST_WEEKS, default=WEEKS
    ),
    parameter("since", "Everything created since, instead of `weeks`"),
    parameter(
        "arithmetic", "How days are counted", enum=["calendar", "week_of_year"], default="calendar"
    ),
    parameter("limit", "Groups on a page", type="integer", minimum=1, maximum=MOST_ROWS),
    parameter("offset", "Groups before the page", type="integer", minimum=0),
    *(parameter(name, f"Only requests with this {name}") for name in GROUP_COLUMNS),
]


def describe_closure(summary: str, figures: dict[str, str]) -> Any:
    """Return a decorator that describes a view; `figures` are the types beside the groups."""
    group = {
        "type": "object",
        "description": "The columns of `group_by`, and the figures",
        "properties": {name: {"type": [kind, "null"]} for name, kind in figures.items()},
    }
    page = {
        "type": "object",
        "properties": {
            "created_after_timestamp": {"type": "string"},
            "past_number_of_weeks": {"type": ["integer", "null"]},
            "next": {"type": ["string", "null"]},
            "previous": {"type": ["string", "null"]},
            "results": {"type": "array", "items": group},
        },
        "required": ["created_after_timestamp", "next", "previous", "results"],
    }
    return extend_schema(summary=summary, parameters=_PARAMETERS, responses=answers({200: page}))
