"""Batches, rejections, idempotency keys and Socrata marks in Django's admin, to be read."""

from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html_join

from ingest.models import Batch, Rejection, RememberedKey, SocrataMark
from ingest.reading.description import list_tables
from ingest.rejections.listing import is_truncated, newest_errors, raw_text
from ingest.row_codes import ROW_CODES
from project.base.database import reader_connection
from project.base.moments import lowest_id
from project.http.people.record_admin import (
    ChoiceFilter,
    RecordAdmin,
    link_list,
    link_record,
    parse_uuid,
    show_text,
)

# A batch of a thousand bad rows would make a page of megabytes.
SHOWN_REJECTIONS = 50


class TableFilter(ChoiceFilter):
    """The exposed tables."""

    title = "table"
    parameter_name = "table_name"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return their names, as the catalog has them now."""
        tables = list_tables(reader_connection(), list(settings.CONFIG.datasets))
        return [(each.table, each.table) for each in tables]


class WhenFilter(admin.SimpleListFilter):
    """The last hours or days, found by the ids of batches, which tell their time."""

    title = parameter_name = "when"
    id_field = "id"
    spans: ClassVar = {
        "hour": ("the last hour", timedelta(hours=1)),
        "day": ("the last 24 hours", timedelta(days=1)),
        "week": ("the last 7 days", timedelta(days=7)),
        "month": ("the last 30 days", timedelta(days=30)),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the spans."""
        return [(name, words) for name, (words, _) in self.spans.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the records of the chosen span."""
        if self.value() not in self.spans:
            return queryset
        since = timezone.now() - self.spans[str(self.value())][1]
        return queryset.filter(
            **{"created_at__gte": since, f"{self.id_field}__gte": lowest_id(since)}
        )


class BatchWhenFilter(WhenFilter):
    """The same by the ids of the records' batches."""

    id_field = "batch"


class OutcomeFilter(admin.SimpleListFilter):
    """Whether all rows were stored."""

    title = parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return both."""
        return [("rejected", "with rejected rows"), ("clean", "without")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Batch]) -> QuerySet[Batch]:
        """Return the batches with the chosen outcome."""
        if self.value() == "rejected":
            return queryset.filter(rejected__gt=0)
        return queryset.filter(rejected=0) if self.value() == "clean" else queryset


class CodeFilter(admin.SimpleListFilter):
    """The reasons there are."""

    title = parameter_name = "code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the row codes."""
        return [(code, code) for code in sorted(ROW_CODES)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Rejection]) -> QuerySet[Rejection]:
        """Return the rejections that have the chosen code among theirs."""
        return queryset.filter(codes__contains=[self.value()]) if self.value() else queryset


@admin.register(Batch)
class BatchAdmin(RecordAdmin):
    """Receipts, newest first, each with the way to its rejections and its backups."""

    list_display = (
        *("id", "created_at", "table_name", "key_prefix", "format", "received"),
        *("inserted", "updated", "ignored", "rejected", "dry_run"),
    )
    list_filter = (TableFilter, WhenFilter, OutcomeFilter, "dry_run")
    ordering = ("-id",)
    search_fields = ("id",)
    search_help_text = "A batch's id, an Idempotency-Key, the prefix of an API key, or schema.table"
    fields = (
        *("id", "created_at", "table_name", "key_prefix", "idempotency_key", "format"),
        *("on_conflict", "atomic", "dry_run", "received", "inserted", "updated", "ignored"),
        *("rejected", "rejections", "foreseen_rejections", "duration_ms", "backups"),
    )

    def find(self, records: QuerySet[Batch], term: str) -> QuerySet[Batch]:
        """Return the batch with this id, or those sent with a key, or to a table."""
        identifier = parse_uuid(term)
        if identifier is not None and records.filter(pk=identifier).exists():
            return records.filter(pk=identifier)
        sent = list(RememberedKey.objects.filter(key=term).values_list("pk", flat=True))
        if sent:
            return records.filter(pk__in=sent)
        return records.filter(table_name=term) if "." in term else records.filter(key_prefix=term)

    @admin.display(description="Idempotency-Key")
    def idempotency_key(self, batch: Batch) -> str:
        """Link to the key that the client sent with it, while that is remembered."""
        found = RememberedKey.objects.filter(pk=batch.pk).first()
        return link_record("ingest_rememberedkey", found.pk, found.key) if found else "–"

    @admin.display(description="rejections")
    def rejections(self, batch: Batch) -> str:
        """Link to the rows that were not stored."""
        return link_list("ingest_rejection", "those of this batch", f"q={batch.pk}")

    @admin.display(description="foreseen")
    def foreseen_rejections(self, batch: Batch) -> str:
        """Return what a dry run or a replay said of rows, which is not logged as rejections."""
        return (
            format_html_join(
                "",
                "<div>row {}: {}</div>",
                (
                    (one["index"], "; ".join(each["message"] for each in one["errors"]))
                    for one in (batch.foreseen or [])[:SHOWN_REJECTIONS]
                ),
            )
            or "–"
        )

    @admin.display(description="backups")
    def backups(self, batch: Batch) -> str:
        """Link to the backups that include it."""
        return link_list("backups_backuprun", "those made since", f"q={batch.pk}")


@admin.register(Rejection)
class RejectionAdmin(RecordAdmin):
    """Rows that were not stored; the rejection desk is where they are mended."""

    list_display = (
        *("id", "created_at", "table_name", "state", "index", "line", "reasons"),
        *("batch_link", "replayed_batch_link"),
    )
    list_filter = ("state", TableFilter, CodeFilter, BatchWhenFilter)
    ordering = ("-id",)
    search_fields = ("id",)
    search_help_text = "A rejection's number, a batch's id, or schema.table"
    fields = (
        *("id", "created_at", "table_name", "state", "resolved_at", "batch_link"),
        *("replayed_batch_link", "index", "line", "format", "row", "reasons"),
    )

    def find(self, records: QuerySet[Rejection], term: str) -> QuerySet[Rejection]:
        """Return the rejection with this number, or those of a batch or table."""
        if term.isascii() and term.isdigit() and len(term) < 19:
            return records.filter(pk=int(term))
        batch = parse_uuid(term)
        return records.filter(batch=batch) if batch else records.filter(table_name=term)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Rejection]:
        """Return the rejections without their rows, which only a page of one shows."""
        return super().get_queryset(request).defer("raw")

    @admin.display(description="row as it was sent")
    def row(self, rejection: Rejection) -> str:
        """Return the row's text, or the beginning of it that is kept."""
        text = raw_text(bytes(rejection.raw))
        cut = f"\n… ({rejection.raw_bytes} bytes)" if is_truncated(rejection) else ""
        return show_text(text + cut)

    @admin.display(description="reasons")
    def reasons(self, rejection: Rejection) -> str:
        """Return the newest errors, one a line."""
        return format_html_join(
            "",
            "<div>{}: {}</div>",
            ((each["code"], each["message"]) for each in newest_errors(rejection)),
        )

    @admin.display(description="batch")
    def batch_link(self, rejection: Rejection) -> str:
        """Link to the batch it came with."""
        return link_record("ingest_batch", rejection.batch_id)

    @admin.display(description="stored by")
    def replayed_batch_link(self, rejection: Rejection) -> str:
        """Link to the batch that stored its row."""
        return link_record("ingest_batch", rejection.replayed_batch_id)


class StateFilter(admin.SimpleListFilter):
    """Whether a key still gets its receipt again."""

    title = parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return both."""
        return [("remembered", "remembered"), ("expired", "expired")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[RememberedKey]
    ) -> QuerySet[RememberedKey]:
        """Return the keys in the chosen state."""
        if self.value() == "expired":
            return queryset.filter(expires_at__lte=timezone.now())
        return queryset.filter(expires_at__gt=timezone.now()) if self.value() else queryset


@admin.register(RememberedKey)
class RememberedKeyAdmin(RecordAdmin):
    """Idempotency keys, newest first, until the job that expires them removes them."""

    list_display = ("key", "key_prefix", "batch_link", "table", "created_at", "expires_at", "state")
    list_filter = (StateFilter, BatchWhenFilter)
    list_select_related = ("batch",)
    ordering = ("-batch_id",)
    search_fields = ("key",)
    search_help_text = "An Idempotency-Key, the prefix of an API key, or a batch's id"
    fields = list_display

    def find(self, records: QuerySet[RememberedKey], term: str) -> QuerySet[RememberedKey]:
        """Return the keys that were sent as this, or with an API key; or that of a batch."""
        batch = parse_uuid(term)
        if batch is not None and records.filter(pk=batch).exists():
            return records.filter(pk=batch)
        return records.filter(Q(key=term) | Q(key_prefix=term))

    @admin.display(description="batch")
    def batch_link(self, key: RememberedKey) -> str:
        """Link to the batch whose receipt it gets."""
        return link_record("ingest_batch", key.pk)

    @admin.display(description="table")
    def table(self, key: RememberedKey) -> str:
        """Return the batch's table."""
        return key.batch.table_name

    @admin.display(description="state")
    def state(self, key: RememberedKey) -> str:
        """Return whether it still gets its receipt again."""
        return "remembered" if key.expires_at > timezone.now() else "expired"


@admin.register(SocrataMark)
class SocrataMarkAdmin(RecordAdmin):
    """How far Socrata's datasets are loaded. A mark that is set by hand would leave rows out."""

    list_display = ("name", "mark", "low", "high", "position", "rows", "finished_at")
