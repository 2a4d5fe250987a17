"""/rejections/: the desk, where rejected rows are looked at, mended, sent again or given up."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache, partial
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from ingest.models import Rejection
from ingest.pages.cards import Card, make_card
from ingest.pages.filters import describe_matching, read_filters, show_filters
from ingest.reading.description import list_tables
from ingest.rejections.listing import select_rejections
from ingest.row_codes import ROW_CODES
from ingest.writing.tables import find_table
from project.base.database import reader_connection
from project.http.access.sessions import find_signed_in
from project.http.pagination import page_newest_first, read_page_request
from project.http.people.pages import page
from project.models import ApiKey, Scope

ROWS_ON_A_PAGE = 25


@page(Scope.READ)
def show_desk(request: HttpRequest) -> HttpResponse:
    """Show the rejected rows that the filters name, newest first."""
    key = find_signed_in(request)
    filters = read_filters(request.GET)
    schemas = list(settings.CONFIG.datasets)
    rejections = select_rejections(filters, schemas)
    wanted = replace(read_page_request(request), limit=ROWS_ON_A_PAGE)
    found = page_newest_first(wanted, rejections.prefetch_related("batch"), lambda one: one)
    return render(
        request,
        "ingest/desk.html",
        {
            "cards": _make_cards(found.results, key),
            "page": found,
            "filters": show_filters(filters),
            "query": urlencode(filters),
            "is_open": filters.get("state") == Rejection.State.OPEN,
            "may_replay": key is not None and key.may(Scope.INGEST),
            "matching": describe_matching(rejections, filters),
            "tables": [one.table for one in list_tables(reader_connection(), schemas)],
            "codes": ROW_CODES,
            "states": Rejection.State.values,
        },
    )


def _make_cards(rejections: Iterable[Rejection], key: ApiKey | None) -> list[Card]:
    tables = cache(partial(find_table, reader_connection()))
    return [
        make_card(each, tables(each.table_name), may_change=_may_change(key, each.table_name))
        for each in rejections
    ]


def _may_change(key: ApiKey | None, full_name: str) -> bool:
    schema, _, table = full_name.partition(".")
    return key is not None and key.may(Scope.INGEST) and key.may_ingest_into(schema, table)
