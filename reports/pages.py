"""Report pages for people: /reports/ and /reports/{name}/, with a table, a chart and downloads."""

from functools import wraps
from typing import Any, NamedTuple

import msgspec
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.safestring import mark_safe
from rest_framework.request import Request

from project.http.access.keys import KeyAuthentication
from project.http.access.sessions import find_signed_in
from project.http.errors import KeyRequired, ScopeMissing
from project.http.people.pages import View, answer_as_page, mark_viewer
from project.models import Scope
from reports.api.caching import find_unmodified, make_etag, set_validators
from reports.api.tableau import answer_data_source, answer_schema_source
from reports.api.views import answer_csv
from reports.charts.bars import Bars, draw_bars
from reports.charts.lines import Lines, draw_lines
from reports.engine.contents import (
    Status,
    describe_columns,
    read_only_snapshot,
    read_rows,
    read_status,
    read_statuses,
)
from reports.engine.definition import Definition
from reports.engine.registry import find_report, find_reports

SHOWN_ROWS = 1000
CHARTED_ROWS = 100_000


class Cell(NamedTuple):
    """A value as shown, its column's role, and the exact value where it was rounded."""

    value: object
    role: str
    exact: object = None


def for_people(view: View) -> View:
    """Check access before the view runs, and answer errors as a page."""

    @wraps(view)
    def guarded(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        check_access(request)
        return view(request, **kwargs)

    return answer_as_page(guarded)


def check_access(request: HttpRequest) -> None:
    """Raise where pages are not public and this is no signed-in person and no key with `read`."""
    if settings.CONFIG.reports.public_pages or request.user.is_authenticated:
        return
    found = KeyAuthentication().authenticate(Request(request))
    key = found[1] if found else find_signed_in(request)
    if key is None:
        raise KeyRequired
    if not key.may(Scope.READ):
        raise ScopeMissing(f"This needs a key with the scope {Scope.READ}", scope=str(Scope.READ))


@for_people
def list_reports(request: HttpRequest) -> HttpResponseBase:
    """Show every report and how fresh it is."""
    with read_only_snapshot() as connection:
        statuses = read_statuses(connection)
    reports = find_reports()
    rows = [
        {"definition": definition, "status": statuses.get(name)}
        for name, definition in sorted(reports.found.items())
    ]
    broken = [error.message for _, error in sorted(reports.broken.items())]
    return render(request, "reports/list.html", {"reports": rows, "broken": broken})


@for_people
def show_report(request: HttpRequest, name: str) -> HttpResponseBase:
    """Show one report: its chart and its first rows."""
    definition = find_report(name)
    with read_only_snapshot() as connection:
        status = read_status(connection, name)
        etag = make_etag("page", status, definition.digest, mark_viewer(request))
        answer = find_unmodified(request, etag, None)
        if answer is not None:
            return answer
        columns = describe_columns(connection, definition)
        limit = CHARTED_ROWS if definition.header.chart else SHOWN_ROWS
        rows = read_rows(connection, definition, limit=limit)
    decoded = [msgspec.json.decode(row) for row in rows]
    shown = [[_show(row[one.name], one.role) for one in columns] for row in decoded[:SHOWN_ROWS]]
    page = render(
        request,
        "reports/report.html",
        {
            "definition": definition,
            "status": status,
            "columns": columns,
            "rows": shown,
            "is_rounded": any(cell.exact is not None for row in shown for cell in row),
            "left_out": (status.rows or 0) - SHOWN_ROWS,
            "chart": _draw_chart(definition, status, decoded),
            "caption": _name_figure(definition),
        },
    )
    set_validators(page, etag, None)
    return page


@for_people
def download_csv(request: HttpRequest, name: str) -> HttpResponseBase:
    """Give the whole report as a file."""
    definition = find_report(name)
    with read_only_snapshot() as connection:
        status = read_status(connection, name)
        etag = make_etag("csv", status.refreshed_at, definition.digest)
        answer = find_unmodified(request, etag, status.refreshed_at)
        if answer is None:
            answer = answer_csv(connection, definition)
    set_validators(answer, etag, status.refreshed_at)
    return answer


@for_people
def download_data_source(request: HttpRequest, name: str) -> HttpResponseBase:
    """Give the report's Tableau data source."""
    return answer_data_source(name)


@for_people
def download_schema_source(request: HttpRequest) -> HttpResponseBase:
    """Give the Tableau data source of all reports."""
    return answer_schema_source()


def _show(value: object, role: str) -> Cell:
    if role != "measure" or not isinstance(value, float):
        return Cell(value, role)
    # A share needs more places than a number of days.
    rounded = round(value, 2 if abs(value) >= 1 else 4)
    return Cell(value, role) if rounded == value else Cell(rounded, role, value)


def _name_figure(definition: Definition) -> str | None:
    """Return the caption of a chart of one figure; several have a legend."""
    chart = definition.header.chart
    if chart is None or len(chart.values) > 1:
        return None
    value, *by = (
        definition.header.columns[name].caption
        for name in (*chart.values, chart.category, chart.by)
        if name
    )
    return f"{value}, by {' and '.join(one.lower() for one in by)}"


def _draw_chart(
    definition: Definition, status: Status, rows: list[dict[str, object]]
) -> str | None:
    chart = definition.header.chart
    if chart is None or not rows or not set(chart.columns) <= set(rows[0]):
        return None
    columns, title = definition.header.columns, definition.header.title
    series = [(name, columns[name].caption) for name in chart.values]
    if chart.kind == "lines":
        lines = Lines(rows, chart.category, series, by=chart.by, weight=chart.weight)
        drawn = draw_lines(lines, title=title)
    else:
        line = None
        if chart.line and status.line is not None:
            line = (chart.line.caption, status.line)
        drawn = draw_bars(Bars(rows, chart.category, series), title=title, line=line)
    # ElementTree has escaped every text.
    return mark_safe(drawn)  # noqa: S308
