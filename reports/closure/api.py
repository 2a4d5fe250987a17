"""GET /api/nyc311/closure…: closure statistics of the requests that were ingested."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.views import APIView

from ingest.loaders.socrata.service_requests import Row, read_since
from project.base.database import reader_connection
from project.base.errors import BadParameter
from project.http.access.reading import always_from
from project.http.answers import answer_json
from project.http.openapi import Errors, answers, parameter
from project.http.pagination import link_offsets
from project.models import Scope
from reports.closure.parameters import (
    MOST_ROWS,
    MOST_WEEKS,
    WEEKS,
    ClosureParameters,
    read_parameters,
)
from reports.closure.statistics import (
    find_weeks_end,
    format_timestamp,
    pull_closed_within_a_day_stats_since_x_weeks,
    pull_daily_closure_statistics_since_x_weeks,
    pull_full_closure_statistics_since_x_weeks,
)
from reports.closure.tallies import GROUP_COLUMNS, GroupUnknown

_SHARES = {"closed_within_a_day": "number", "overall_closed_within_a_day": "number"}
_TALLIES = {
    "total": "integer",
    "closed": "integer",
    "perc_closed": "number",
    "days_to_closure": "number",
    "number_of_records": "integer",
    "closed_before_created": "integer",
}
_DAYS = {"days_to_closure": "integer", "number_of_records": "integer"}
_WINDOW = ("created_after_timestamp", "past_number_of_weeks")
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


@extend_schema_view(get=describe_closure("Get closure statistics", _TALLIES))
class ClosureView(APIView):
    """Closed requests of each group: how many, which share, after how many days."""

    scopes = {"GET": Scope.READ}
    datasets = staticmethod(always_from("nyc311"))
    errors: Errors = {"GET": [BadParameter, GroupUnknown]}
    statistics: Callable[..., list[Row]] = staticmethod(pull_full_closure_statistics_since_x_weeks)

    def get(self, request: Request) -> HttpResponse:
        """Answer the groups in their order, and the window they are about."""
        parameters = read_parameters(request.GET)
        timeout_s = settings.CONFIG.database.statement_timeout_s
        weeks, since = _window(parameters, timeout_s)
        rows = self.statistics(
            weeks,
            reader_connection(),
            timeout_s,
            now=since + timedelta(weeks=weeks),
            **parameters.arguments,
        )
        limit, offset = parameters.limit, parameters.offset
        page = rows[offset : offset + limit]
        for row in page:
            for name in _WINDOW:
                row.pop(name, None)
        query = dict(request.GET.lists())
        body: dict[str, Any] = {
            "created_after_timestamp": format_timestamp(since),
            "past_number_of_weeks": parameters.weeks,
            **link_offsets(request, query, limit=limit, offset=offset, count=len(rows)),
            "results": page,
        }
        return answer_json(body)


@extend_schema_view(get=describe_closure("Get a histogram of days to closure", _DAYS))
class DailyView(ClosureView):
    """A histogram: closed requests of each group by the days they took."""

    statistics = staticmethod(pull_daily_closure_statistics_since_x_weeks)


@extend_schema_view(get=describe_closure("Get shares closed within a day", _SHARES))
class WithinADayView(ClosureView):
    """Which share of each group's requests was closed within a day."""

    statistics = staticmethod(pull_closed_within_a_day_stats_since_x_weeks)


def _window(parameters: ClosureParameters, timeout_s: float) -> tuple[int, datetime]:
    if parameters.since is not None:
        return 0, read_since(parameters.since)
    weeks = parameters.weeks or 0
    return weeks, find_weeks_end(reader_connection(), timeout_s) - timedelta(weeks=weeks)
