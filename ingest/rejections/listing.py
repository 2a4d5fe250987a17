"""Rejected rows: which ones, and how they are shown."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db.models import Q, QuerySet

from ingest.models import Rejection
from ingest.payload.csv_body import read_record
from ingest.reading.history import table_names
from project.base.errors import BadParameter, RowhouseError
from project.base.moments import highest_id, lowest_id, parse_moment

FILTERS = frozenset({"table", "batch", "code", "column", "state", "since", "until"})

# Rejections read at a time where all of them are wanted; each may hold ingest.max_raw_bytes.
CHUNK = 200

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_decode_text = msgspec.json.Decoder(str).decode
_encode = msgspec.json.Encoder().encode


class RejectionUnknown(RowhouseError):
    """There is no rejection with this id."""

    code = "rejection_unknown"


class RejectionSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A rejection in a list: everything but the row itself. `errors` are the newest ones.

    `seen` counts the batches in which the row was rejected for the same reasons. In the last of
    them, `last_batch` at `last_seen`, it stood at `last_index`.
    """

    id: int
    batch: UUID
    table: str
    index: int
    line: int | None
    state: str
    created_at: datetime
    seen: int
    last_seen: datetime
    last_batch: UUID
    last_index: int
    resolved_at: datetime | None
    replayed_batch: UUID | None
    errors: Any
    links: dict[str, str | None]


class RejectionDetail(RejectionSummary, frozen=True, kw_only=True):
    """A rejection with its row as it was sent.

    `raw` is the text, `row` the same parsed where it is a whole JSON object or CSV record (then
    every value is a string, or null where a word says so). `fields` are the columns of a CSV
    record's fields. `receipt_errors` are those of the first attempt, as the receipt has them.
    """

    receipt_errors: Any
    format: str
    raw: str
    raw_bytes: int
    truncated: bool
    fields: list[str] | None
    row: Any


def select_rejections(query: Mapping[str, str], schemas: list[str]) -> QuerySet[Rejection]:
    """Return the rejections that the filters name; raise `BadParameter` for a bad filter."""
    rejections = Rejection.objects.all()
    if "state" in query:
        if query["state"] not in Rejection.State.values:
            allowed = ", ".join(Rejection.State.values)
            raise BadParameter(f"state must be one of {allowed}", parameter="state")
        rejections = rejections.filter(state=query["state"])
    if "table" in query:
        rejections = rejections.filter(table_name__in=table_names(query["table"], schemas))
    if "batch" in query:
        batches = [_parse_batch(one) for one in query["batch"].split(",")]
        rejections = rejections.filter(Q(batch__in=batches) | Q(last_batch__in=batches))
    if "code" in query:
        rejections = rejections.filter(codes__contains=[query["code"]])
    if "column" in query:
        rejections = rejections.filter(columns__contains=[query["column"]])
    if "code" in query and "column" in query:
        rejections = rejections.filter(_has_error(query["code"], query["column"]))
    if "since" in query:
        since = parse_moment(query["since"], parameter="since")
        rejections = rejections.filter(created_at__gte=since, batch__gte=lowest_id(since))
    if "until" in query:
        until = parse_moment(query["until"], parameter="until")
        rejections = rejections.filter(created_at__lt=until, batch__lt=highest_id(until))
    return rejections


def _has_error(code: str, column: str) -> Q:
    """Return the condition that one of the newest errors has this code and concerns this column."""
    forms = [[{"code": code, "column": column}], [{"code": code, "columns": [column]}]]
    condition = Q()
    for form in forms:
        condition |= Q(replay_errors__contains=form)
        condition |= Q(replay_errors__isnull=True, errors__contains=form)
    return condition


def find_rejection(identifier: str) -> Rejection:
    """Return the rejection with this id; raise `RejectionUnknown` where there is none."""
    if not (identifier.isascii() and identifier.isdigit() and len(identifier) < 19):
        raise RejectionUnknown
    rejection = Rejection.objects.filter(pk=int(identifier)).first()
    if rejection is None:
        raise RejectionUnknown
    return rejection


def iterate_rejections(rejections: QuerySet[Rejection]) -> Iterator[Rejection]:
    """Yield all of them, newest first, in short statements of a bounded size."""
    rejections = rejections.order_by("-pk").prefetch_related("batch")
    chunk = list(rejections[:CHUNK])
    while chunk:
        yield from chunk
        chunk = list(rejections.filter(pk__lt=chunk[-1].pk)[:CHUNK])


def summarize_rejection(rejection: Rejection) -> RejectionSummary:
    """Return a rejection as the list shows it."""
    return RejectionSummary(**_summary(rejection))


def describe_rejection(rejection: Rejection) -> RejectionDetail:
    """Return a rejection with its row."""
    raw = bytes(rejection.raw)
    row = parse_row(rejection)
    is_whole = row is not None and rejection.format == "json"
    return RejectionDetail(
        **_summary(rejection),
        receipt_errors=rejection.errors,
        format=rejection.format,
        raw=raw_text(raw),
        raw_bytes=rejection.raw_bytes,
        truncated=is_truncated(rejection),
        fields=rejection.batch.fields if rejection.format == "csv" else None,
        row=msgspec.Raw(raw) if is_whole else row,
    )


def newest_errors(rejection: Rejection) -> list[dict[str, Any]]:
    """Return why the row was not stored when that was last tried."""
    errors: list[dict[str, Any]] = rejection.replay_errors or rejection.errors
    return errors


def raw_text(raw: bytes) -> str:
    """Return a row as text; bytes that are no UTF-8 are shown by their value."""
    return raw.decode(errors="backslashreplace")


def value_text(json: bytes) -> str:
    """Return a JSON value as text: a string's own, anything else as it was written."""
    try:
        return _decode_text(json)
    except msgspec.DecodeError:  # no string, or half a surrogate pair
        return json.decode()


def is_truncated(rejection: Rejection) -> bool:
    """Return whether only the beginning of the row was kept."""
    return rejection.raw_bytes > len(rejection.raw)


def parse_row(rejection: Rejection) -> dict[str, msgspec.Raw] | None:
    """Return the row's values as JSON texts by column; those of a CSV record are strings or null.

    None where the row is no whole JSON object, or no CSV record with a field for each column.
    """
    if is_truncated(rejection):
        return None
    raw = bytes(rejection.raw)
    if rejection.format == "csv":
        batch = rejection.batch
        return _parse_record(raw.decode(), batch.fields or [], batch.nulls or ())
    try:
        raw.decode()
        return _object.decode(raw)
    except (ValueError, RecursionError):
        return None


def _parse_record(
    text: str, columns: list[str], nulls: Collection[str]
) -> dict[str, msgspec.Raw] | None:
    fields = read_record(text, nulls)
    if len(fields) != len(columns):
        return None
    return {
        name: msgspec.Raw(_encode(value))
        for name, value in zip(columns, fields, strict=True)
        if name and value is not msgspec.UNSET
    }


def _summary(rejection: Rejection) -> dict[str, Any]:
    replayed_batch = rejection.replayed_batch_id
    return {
        "id": rejection.pk,
        "batch": rejection.batch_id,
        "table": rejection.table_name,
        "index": rejection.index,
        "line": rejection.line,
        "state": rejection.state,
        "created_at": rejection.created_at,
        "seen": rejection.seen,
        "last_seen": rejection.last_seen or rejection.created_at,
        "last_batch": rejection.last_batch or rejection.batch_id,
        "last_index": rejection.index if rejection.last_index is None else rejection.last_index,
        "resolved_at": rejection.resolved_at,
        "replayed_batch": replayed_batch,
        "errors": newest_errors(rejection),
        "links": {
            "self": f"/api/rejections/{rejection.pk}",
            "batch": f"/api/batches/{rejection.batch_id}",
            "replayed_batch": f"/api/batches/{replayed_batch}" if replayed_batch else None,
        },
    }


def _parse_batch(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise BadParameter("batch must be the id of a batch", parameter="batch") from error
