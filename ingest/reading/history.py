"""Batches that were taken: which ones, and how they are shown in a list."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec
from django.db.models import QuerySet

from ingest.models import Batch
from project.base.errors import BadParameter
from project.base.moments import highest_id, lowest_id, parse_moment

FILTERS = frozenset({"table", "since", "until", "rejected", "dry_run", "sent_as"})


class BatchSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt in a list: without its rejections, with the circumstances."""

    batch: UUID
    table: str
    created_at: datetime
    key_prefix: str
    format: str
    on_conflict: str
    atomic: bool
    dry_run: bool
    received: int
    inserted: int
    updated: int
    ignored: int
    rejected: int
    duration_ms: float
    url: str


def select_batches(query: Mapping[str, str], schemas: list[str]) -> QuerySet[Batch]:
    """Return the batches that the filters name; raise `BadParameter` for a bad filter."""
    batches = Batch.objects.all()
    if "table" in query:
        batches = batches.filter(table_name__in=table_names(query["table"], schemas))
    if "since" in query:
        since = parse_moment(query["since"], parameter="since")
        batches = batches.filter(created_at__gte=since, id__gte=lowest_id(since))
    if "until" in query:
        until = parse_moment(query["until"], parameter="until")
        batches = batches.filter(created_at__lt=until, id__lt=highest_id(until))
    if "sent_as" in query:
        batches = batches.filter(format=query["sent_as"])
    if "dry_run" in query:
        batches = batches.filter(dry_run=_flag(query, "dry_run"))
    if "rejected" in query:
        has_rejections = _flag(query, "rejected")
        batches = batches.filter(rejected__gt=0) if has_rejections else batches.filter(rejected=0)
    return batches


def summarize_batch(batch: Batch) -> BatchSummary:
    """Return a batch as the list shows it."""
    return BatchSummary(
        batch=batch.id,
        table=batch.table_name,
        url=f"/api/batches/{batch.id}",
        **{name: getattr(batch, name) for name in _SAME},
    )


_SAME = tuple(
    name for name in BatchSummary.__struct_fields__ if name not in {"batch", "table", "url"}
)


def table_names(name: str, schemas: list[str]) -> list[str]:
    """Return the full names that a table's name, qualified or not, may stand for.

    The table need not exist any more.
    """
    if name.partition(".")[0] in schemas and "." in name:
        return [name]
    return [f"{schema}.{name}" for schema in schemas]


def _flag(query: Mapping[str, str], name: str) -> bool:
    if query[name] not in {"true", "false"}:
        raise BadParameter(f"{name} must be true or false", parameter=name)
    return query[name] == "true"
