"""Receipts: stored with their rejections in the batch's own transaction, and read again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import msgspec
from psycopg import Connection

from ingest.outcome import Reason, Receipt, ReceiptRejection, Rejection, RowError
from ingest.payload.json_text import array_text
from ingest.writing.fault_points import Point, reach
from project.base.errors import RowhouseError
from project.base.sql_files import read_sql

FOLDER = Path(__file__).parent / "sql"
STORE_BATCH = read_sql(FOLDER / "store_batch.sql")
STORE_REJECTIONS = read_sql(FOLDER / "store_rejections.sql")
FIND_KEY = read_sql(FOLDER / "find_key.sql")
READ_RECEIPT = read_sql(FOLDER / "read_receipt.sql")

_decode_rejections = msgspec.json.Decoder(list[ReceiptRejection]).decode
_encode = msgspec.json.Encoder().encode


class BatchUnknown(RowhouseError):
    """There is no batch with this id."""

    code = "batch_unknown"


class FoundKey(NamedTuple):
    """An idempotency key that was used before."""

    batch: UUID
    request_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What is recorded of a batch beside its receipt."""

    created_at: datetime
    key_prefix: str
    format: str
    on_conflict: str
    atomic: bool
    fields: Sequence[str] | None
    max_raw_bytes: int
    logs_rejections: bool


def store(
    connection: Connection,
    receipt: Receipt,
    rejections: Sequence[Rejection],
    circumstances: Circumstances,
) -> None:
    """Store a receipt and its rejections, those that are not logged inside the receipt."""
    reach(Point.ROWS_WRITTEN)
    is_logged = circumstances.logs_rejections
    foreseen = None if is_logged else _encode(receipt.rejections).decode()
    connection.execute(
        STORE_BATCH,
        {
            **{name: getattr(receipt, name) for name in _STORED},
            **{name: getattr(circumstances, name) for name in circumstances.__slots__},
            "foreseen": foreseen,
        },
    )
    if rejections and is_logged:
        reach(Point.RECEIPT_WRITTEN)
        _store_rejections(connection, receipt, rejections, circumstances)


_STORED = tuple(name for name in Receipt.__struct_fields__ if name != "rejections")


def _store_rejections(
    connection: Connection,
    receipt: Receipt,
    rejections: Sequence[Rejection],
    circumstances: Circumstances,
) -> None:
    raws = [rejection.raw[: circumstances.max_raw_bytes] for rejection in rejections]
    kept = list(map(len, raws))
    reasons: dict[bytes, tuple[int, list[RowError]]] = {}
    reason_numbers = [
        reasons.setdefault(_encode(each.errors), (len(reasons) + 1, each.errors))[0]
        for each in rejections
    ]
    connection.execute(
        STORE_REJECTIONS,
        {
            "batch": receipt.batch,
            "created_at": circumstances.created_at,
            "table": receipt.table,
            "format": rejections[0].format,
            "raws": b"".join(raws),
            "indexes": array_text([each.index for each in rejections]),
            "lines": array_text([each.line for each in rejections]),
            "starts": array_text(list(accumulate(kept[:-1], initial=1))),
            "kept": array_text(kept),
            "sizes": array_text([len(each.raw) for each in rejections]),
            "reason_numbers": array_text(reason_numbers),
            "reasons": _encode([Reason.of(errors) for _, errors in reasons.values()]).decode(),
        },
    )


def find_idempotency_key(connection: Connection, key_prefix: str, key: str) -> FoundKey | None:
    """Return what an idempotency key was used for, None where it is not (or no longer) known."""
    row = connection.execute(FIND_KEY, {"key_prefix": key_prefix, "key": key}).fetchone()
    return FoundKey(*row) if row else None


def read_receipt(connection: Connection, batch: UUID) -> Receipt:
    """Return a batch's receipt as it was answered; raise `BatchUnknown` where there is none."""
    row = connection.execute(READ_RECEIPT, {"batch": batch}).fetchone()
    if row is None:
        raise BatchUnknown
    *counts, rejections = row
    return Receipt(
        **dict(zip(_STORED, counts, strict=True)),
        rejections=_decode_rejections(rejections),
    )
