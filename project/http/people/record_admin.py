"""What the admin pages of records share: they are read, not edited, however many there are."""

import json
from typing import Any, ClassVar, cast
from uuid import UUID

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.forms import Script
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html

# Records that match are counted up to so many; of more PostgreSQL's planner is asked.
EXACT_COUNT = 10_000

# Pages further back would have PostgreSQL read all that come before: there are filters.
MAX_PAGES = 1000


class EstimatingPaginator(Paginator):
    """Pages of a table that may have millions of rows: no statement counts them all."""

    @cached_property
    def count(self) -> int:
        """Return how many records there are, exactly up to `EXACT_COUNT`."""
        records = cast("QuerySet[Model]", self.object_list)
        counted = records.order_by()[: EXACT_COUNT + 1].count()
        if counted <= EXACT_COUNT:
            return counted
        plan = json.loads(records.order_by().explain(format="json"))
        return max(counted, int(plan[0]["Plan"]["Plan Rows"]))

    @cached_property
    def num_pages(self) -> int:
        """Return how many pages can be asked for."""
        return min(super().num_pages, MAX_PAGES)


class ReadableAdmin(admin.ModelAdmin):
    """Pages of the admin that everybody can read and use."""

    class Media:
        css: ClassVar = {"all": ["site/admin.css"]}
        js: ClassVar = [Script("site/admin.js", defer=True)]


class RecordAdmin(ReadableAdmin):
    """A record is what happened: nobody adds, changes or removes one here.

    `search_fields` only makes the search box appear; `find` says what is looked for in it.
    """

    actions = None
    list_per_page = 50
    paginator = EstimatingPaginator
    show_full_result_count = False
    # Each would have the whole table counted or sorted.
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()

    def find(self, records: QuerySet[Any], term: str) -> QuerySet[Any]:
        """Return the records that a search is for."""
        return records

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return what `find` finds by indexes, in place of Django's search in all texts."""
        term = search_term.strip().replace("\0", "")
        return (self.find(queryset, term) if term else queryset), False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False."""
        return False

    has_change_permission = has_delete_permission = has_add_permission


class ChoiceFilter(admin.SimpleListFilter):
    """Choices that are known without a look at the table, compared with one column."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the records that have the chosen value."""
        value = self.value()
        return queryset.filter(**{str(self.parameter_name): value}) if value else queryset


def parse_uuid(text: str) -> UUID | None:
    """Return the UUID that a search names, None where it names none."""
    try:
        return UUID(text)
    except ValueError:
        return None


def link_record(page: str, key: Any, text: str | None = None) -> str:
    """Return a link to a record's page, such as `ingest_batch`; a dash without a key."""
    if key is None:
        return "–"
    address = reverse(f"admin:{page}_change", args=[key])
    return format_html('<a href="{}">{}</a>', address, key if text is None else text)


def link_list(page: str, text: str, query: str) -> str:
    """Return a link to a list of records."""
    return format_html('<a href="{}?{}">{}</a>', reverse(f"admin:{page}_changelist"), query, text)


def show_text(text: str) -> str:
    """Return a long text with its line ends."""
    return format_html('<div class="readonly"><pre>{}</pre></div>', text)
