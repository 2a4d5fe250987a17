"""Rejected rows sent again: each is stored at most once, and its rejection says by which batch.

A rejection is locked, its row written, the receipt stored and the rejection closed in one
transaction. A row that fails again stays the same open rejection: nothing is logged twice.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from django.db.models import QuerySet
from psycopg import Connection

from ingest.errors import TableUnknown
from ingest.models import Rejection
from ingest.outcome import Reason, Receipt, RowError
from ingest.payload.payload import RowList, SentRow
from ingest.rejections.sent_rows import Correction, LockedRow, read_correction, read_raw
from ingest.writing.batch import ingest_batch
from ingest.writing.request import Allow, BatchRequest, Connect
from ingest.writing.sightings import Sightings
from ingest.writing.tables import WritableTables
from project.base.errors import RowhouseError
from project.base.sql_files import read_sql

FOLDER = Path(__file__).parent / "sql"
LOCK = read_sql(FOLDER / "lock_rejections.sql")
CLOSE = read_sql(FOLDER / "close_rejections.sql")
RENEW = read_sql(FOLDER / "renew_rejections.sql")

# One call replays at most this many times `ingest.max_rows` rows, so that its end is in sight.
BATCHES_PER_CALL = 10

_encode = msgspec.json.Encoder().encode


class RejectionNotOpen(RowhouseError):
    """The rejection was replayed or discarded before."""

    code = "rejection_not_open"


class RejectionBusy(RowhouseError):
    """The rejection is just being replayed by another request."""

    code = "rejection_busy"


class BatchCounts(msgspec.Struct, frozen=True, kw_only=True):
    """A batch of replayed rows, as the summary shows it."""

    batch: UUID
    table: str
    received: int
    inserted: int
    updated: int
    ignored: int
    rejected: int


class RejectedAgain(msgspec.Struct, frozen=True, kw_only=True):
    """A rejection that stays open, by the row of the batch that it is of; why it was rejected."""

    id: int
    batch: UUID
    index: int
    errors: list[RowError]


class ReplaySummary(msgspec.Struct, kw_only=True):
    """What became of the rejections that a call replayed.

    `matched = replayed + rejected + skipped`, always; `rejections` are the rejected ones. `skipped`
    counts, by code, those that could not be tried; `remaining` those that the call did not get to,
    `next` is where to POST for them.
    """

    matched: int = 0
    replayed: int = 0
    rejected: int = 0
    skipped: dict[str, int] = msgspec.field(default_factory=dict)
    batches: list[BatchCounts] = msgspec.field(default_factory=list)
    rejections: list[RejectedAgain] = msgspec.field(default_factory=list)
    remaining: int = 0
    next: str | None = None


def replay_rejection(
    connect: Connect,
    tables: WritableTables,
    rejection: Rejection,
    request: BatchRequest,
    allow: Allow,
    correction: Correction | None = None,
) -> Receipt:
    """Send one rejected row again, or the corrected row in its place.

    Raises `RejectionNotOpen`, `RejectionBusy`, and what `read_raw` or `read_correction` raises.
    """
    replay = _Replay([rejection.pk], correction)
    try:
        stored = ingest_batch(connect, tables, request, replay, allow=allow)
    except _NothingToReplay as error:
        if replay.refusals:
            raise replay.refusals[0] from error
        rejection.refresh_from_db(fields=["state"])
        if rejection.state == Rejection.State.OPEN:
            raise RejectionBusy from error
        raise RejectionNotOpen(f"The rejection is {rejection.state} already") from error
    return stored.receipt


def replay_rejections(
    connect: Connect,
    tables: WritableTables,
    rejections: QuerySet[Rejection],
    request: BatchRequest,
    allow: Allow,
) -> tuple[ReplaySummary, int]:
    """Send rejected rows again as they were, oldest first, a batch for each table at a time.

    Returns the summary and the id of the last rejection that was looked at. Every batch commits
    on its own: an error keeps what was replayed before it.
    """
    summary, last = ReplaySummary(), 0
    waiting = rejections.filter(state=Rejection.State.OPEN).order_by("pk")
    for _ in range(BATCHES_PER_CALL):
        chunk = list(
            waiting.filter(pk__gt=last).values_list("pk", "table_name")[: tables.limits.max_rows]
        )
        if not chunk:
            break
        last = chunk[-1][0]
        by_table: dict[str, list[int]] = {}
        for identifier, table in chunk:
            by_table.setdefault(table, []).append(identifier)
        for table, ids in by_table.items():
            _replay_batch(connect, tables, replace(request, table=table), allow, ids, summary)
    summary.remaining = waiting.filter(pk__gt=last).count()
    return summary, last


def _replay_batch(
    connect: Connect,
    tables: WritableTables,
    request: BatchRequest,
    allow: Allow,
    ids: list[int],
    summary: ReplaySummary,
) -> None:
    replay = _Replay(ids)
    refusals, taken = replay.refusals, 0
    try:
        receipt = ingest_batch(connect, tables, request, replay, allow=allow).receipt
    except _NothingToReplay:
        pass
    except TableUnknown as error:
        refusals = [error] * len(ids)
    else:
        taken = receipt.received
        summary.replayed += taken - receipt.rejected
        summary.rejected += receipt.rejected
        counts = {name: getattr(receipt, name) for name in BatchCounts.__struct_fields__}
        summary.batches.append(BatchCounts(**counts))
        for one in receipt.rejections:
            row = replay.locked[one.index]
            again = RejectedAgain(id=row.id, batch=row.batch, index=row.index, errors=one.errors)
            summary.rejections.append(again)
    summary.matched += len(ids)
    codes = [refusal.code for refusal in refusals]
    # The rest are in another request's hands, or were in the meantime.
    codes += [RejectionBusy.code] * (len(ids) - taken - len(codes))
    for code in codes:
        summary.skipped[code] = summary.skipped.get(code, 0) + 1


class _NothingToReplay(Exception):
    """None of the rejections is open, free, and of a row that can be sent again."""


@dataclass
class _Replay:
    """The companion of a batch made of rejected rows."""

    ids: list[int]
    correction: Correction | None = None
    refusals: list[RowhouseError] = field(default_factory=list)
    locked: list[LockedRow] = field(default_factory=list)  # those that can be sent again

    def begin(self, connection: Connection) -> RowList:
        self.refusals.clear()
        self.locked.clear()
        rows: list[SentRow] = []
        for found in connection.execute(LOCK, {"ids": self.ids}):
            row = LockedRow(*found)
            try:
                sent = read_correction(row, self.correction) if self.correction else read_raw(row)
            except RowhouseError as error:
                self.refusals.append(error)
            else:
                rows.append(sent)
                self.locked.append(row)
        if not rows:
            raise _NothingToReplay
        return RowList(rows, is_strict=self.correction is not None)

    def finish(self, connection: Connection, receipt: Receipt) -> None:
        ids = [row.id for row in self.locked]
        failed = {one.index: one.errors for one in receipt.rejections}
        closed = [identifier for place, identifier in enumerate(ids) if place not in failed]
        now = datetime.now(UTC)
        connection.execute(CLOSE, {"ids": closed, "batch": receipt.batch, "now": now})
        # A corrected row's errors are not those of the row that is kept.
        if failed and self.correction is None:
            renewed = [
                _renew(self.locked[place], receipt.table, Reason.of(errors))
                for place, errors in failed.items()
            ]
            connection.execute(RENEW, {"rejections": _encode(renewed).decode()})


def _renew(row: LockedRow, table: str, reason: Reason) -> dict[str, Any]:
    sightings = Sightings(table, row.format, row.fields, row.nulls or ())
    digest = sightings.digest(row.raw, sightings.begin(reason))
    return {"id": row.id, "digest": digest, **msgspec.structs.asdict(reason)}
