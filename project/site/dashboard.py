"""/: the dashboard, and /dashboard.json, which keeps it live."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import psycopg
from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from project.base.database import reader_connection
from project.base.errors import Unavailable
from project.http.people.pages import page
from project.models import Scope
from project.site.overview import (
    Hour,
    Reasons,
    read_backups,
    read_hours,
    read_jobs,
    read_reasons,
    read_reports,
    read_tables,
)
from reports.api.caching import find_unmodified, make_etag, set_validators
from reports.charts.bars import Bars, draw_bars
from reports.charts.columns import draw_columns

STORED, REJECTED = 1, 4  # the series' colours: green and red


@page(Scope.READ)
def show_dashboard(request: HttpRequest) -> HttpResponseBase:
    """Show how the service is doing."""
    sections = draw_sections()
    return render(
        request,
        "site/dashboard.html",
        {"sections": sections, "etag": make_etag(*sections.values())},
    )


class LiveView(APIView):
    """The dashboard's sections as HTML: what its script puts in the place of the old ones."""

    scopes = {"GET": Scope.READ}

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponseBase:
        """Answer every section, or 304 where the page shows them already."""
        sections = draw_sections()
        etag = make_etag(*sections.values())
        answer = find_unmodified(request._request, etag, None)
        if answer is None:
            answer = JsonResponse({"sections": sections})
            set_validators(answer, etag, None)
        return answer


def draw_sections() -> dict[str, SafeString]:
    """Return the HTML of each section by its name; it changes only when what it shows does.

    Raises `Unavailable` where the database cannot tell.
    """
    try:
        contents = _read_contents(datetime.now(UTC))
    except psycopg.Error as error:
        raise Unavailable("The database cannot answer now") from error
    return {
        name: render_to_string(f"site/dashboard/{name}.html", context)
        for name, context in contents.items()
    }


def _read_contents(now: datetime) -> dict[str, dict[str, Any]]:
    connection = reader_connection()
    tables = read_tables(connection, list(settings.CONFIG.datasets))
    return {
        "tables": {"tables": tables},
        "hours": _describe_hours(read_hours(connection, now)),
        "reasons": _describe_reasons(read_reasons(connection, [table.name for table in tables])),
        "reports": {"reports": read_reports()},
        "backups": {"backups": read_backups()},
        "jobs": {"jobs": read_jobs(connection, now)},
    }


def _describe_hours(hours: list[Hour]) -> dict[str, Any]:
    stored, rejected = sum(hour.stored for hour in hours), sum(hour.rejected for hour in hours)
    return {
        "stored": stored,
        "rejected": rejected,
        "stored_chart": _draw_hours(hours, "stored", "Rows stored per hour"),
        "rejected_chart": _draw_hours(hours, "rejected", "Rows rejected per hour"),
    }


def _draw_hours(hours: list[Hour], what: str, title: str) -> SafeString:
    columns = [(f"{hour.start:%H:%M}", float(getattr(hour, what))) for hour in hours]
    series = STORED if what == "stored" else REJECTED
    # ElementTree has escaped every text, here and below.
    return mark_safe(draw_columns(columns, title=title, series=series))  # noqa: S308


def _describe_reasons(reasons: Reasons) -> dict[str, Any]:
    rows = [{"code": code, "rows": count} for code, count in reasons.counts]
    bars = Bars(rows, "code", [("rows", "Open rejections")])
    chart = draw_bars(bars, title="Open rejections by reason", link=_link_to_desk)
    return {"chart": mark_safe(chart) if rows else None, "reasons": reasons}  # noqa: S308


def _link_to_desk(code: str) -> str:
    return f"/rejections/?{urlencode({'state': 'open', 'code': code})}"
