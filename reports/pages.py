"""Report pages for people: /reports/ and /reports/{name}/, with a table, a chart and downloads."""

from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple

import msgspec
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.safestring import mark_safe

from project.http.access.reading import FindDatasets, check_reading, may_read, public_datasets
from project.http.access.sessions import find_caller
from project.http.people.pages import View, answer_as_page, mark_viewer
from reports.api.access import find_readable
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
from reports.engine.registry import datasets_of_report, find_report, find_reports

SHOWN_ROWS = 1000
CHARTED_ROWS = 100_000


class Cell(NamedTuple):
    """A value as shown, its column's role, and the exact value where it was rounded."""

    value: object
    role: str
    exact: object = None


def for_people(datasets: FindDatasets) -> Callable[[View], View]:
    """Check access before the view runs, and answer errors as a page."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
            check_reading(find_caller(request), datasets(**kwargs))
            response = view(request, **kwargs)
            response.headers.setdefault("Cache-Control", "private, no-store")
            return response

        return answer_as_page(guarded, datasets=datasets)

    return decorate


@for_people(public_datasets)
def list_reports(request: HttpRequest) -> HttpResponseBase:
    """Show every report that the reader may see, and how fresh it is."""
    key = find_caller(request)
    with read_only_snapshot() as connection:
        statuses = read_statuses(connection)
    rows = [
        {"definition": definition, "status": statuses.get(name)}
        for name, definition in find_readable(key).items()
    ]
    # Nobody knows what a broken one reads.
    unusable = sorted(find_reports().broken.items()) if may_read(key, ()) else []
    broken = [error.message for _, error in unusable]
    return render(request, "reports/list.html", {"reports": rows, "broken": broken})


@for_people(datasets_of_report)
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


@for_people(datasets_of_report)
def download_csv(request: HttpRequest, name: str) -> HttpResponseBase:
    """Give the whole report as a file for spreadsheets."""
    definition = find_report(name)
    with read_only_snapshot() as connection:
        status = read_status(connection, name)
        etag = make_etag("csv", status.refreshed_at, definition.digest)
        answer = find_unmodified(request, etag, status.refreshed_at)
        if answer is None:
            answer = answer_csv(connection, definition, safe=True)
    set_validators(answer, etag, status.refreshed_at)
    return answer


@for_people(datasets_of_report)
def download_data_source(request: HttpRequest, name: str) -> HttpResponseBase:
    """Give the report's Tableau data source."""
    return answer_data_source(name)


@for_people(public_datasets)
def download_schema_source(request: HttpRequest) -> HttpResponseBase:
    """Give the Tableau data source of all reports that the reader may see."""
    return answer_schema_source(find_readable(find_caller(request)).values())


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
