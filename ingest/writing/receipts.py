"""Receipts: stored with their rejections in the batch's own transaction, and read again."""

from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import msgspec
from psycopg import Connection

from ingest.outcome import Additions, Reason, Receipt, ReceiptRejection, Rejection, RowError
from ingest.payload.json_text import array_text
from ingest.writing.fault_points import Point, reach
from ingest.writing.request import BatchRequest
from ingest.writing.sightings import DIGEST_BYTES, Sightings
from project.base.errors import RowhouseError
from project.base.sql_files import read_sql

FOLDER = Path(__file__).parent / "sql"
STORE_BATCH = read_sql(FOLDER / "store_batch.sql")
STORE_REJECTIONS = read_sql(FOLDER / "store_rejections.sql")
KEEP_RECEIPT = read_sql(FOLDER / "keep_receipt.sql")
FIND_KEY = read_sql(FOLDER / "find_key.sql")
READ_RECEIPT = read_sql(FOLDER / "read_receipt.sql")

_decode_additions = msgspec.json.Decoder(Additions).decode
_decode_rejections = msgspec.json.Decoder(list[ReceiptRejection]).decode
_encode = msgspec.json.Encoder().encode


class BatchUnknown(RowhouseError):
    """There is no batch with this id."""

    code = "batch_unknown"


class FoundKey(NamedTuple):
    """An idempotency key that was used before."""

    batch: UUID
    request_hash: bytes


def store(
    connection: Connection,
    receipt: Receipt,
    rejections: Sequence[Rejection],
    request: BatchRequest,
    *,
    created_at: datetime,
    fields: Sequence[str] | None,
    logs_rejections: bool,
) -> None:
    """Store a receipt and its rejections, those that are not logged inside the receipt."""
    reach(Point.ROWS_WRITTEN)
    params = {name: getattr(receipt, name) for name in _STORED} | {
        "created_at": created_at,
        "key_prefix": request.key_prefix,
        "format": request.format,
        "on_conflict": request.on_conflict,
        "atomic": request.atomic,
        "fields": fields,
        "additions": _encode_additions(receipt),
        "nulls": list(request.nulls) or None,
        "foreseen": None if logs_rejections else _encode(receipt.rejections).decode(),
    }
    connection.execute(STORE_BATCH, params)
    if rejections and logs_rejections:
        reach(Point.RECEIPT_WRITTEN)
        raws = [rejection.raw[: request.max_raw_bytes] for rejection in rejections]
        sightings = Sightings(receipt.table, rejections[0].format, fields, request.nulls)
        if _store_rejections(connection, receipt, rejections, raws, sightings, created_at):
            kept = {"batch": receipt.batch, "rejections": _encode(receipt.rejections).decode()}
            connection.execute(KEEP_RECEIPT, kept)


_ADDED = Additions.__struct_fields__
_STORED = tuple(n for n in Receipt.__struct_fields__ if n not in {*_ADDED, "rejections"})


def _encode_additions(receipt: Receipt) -> str | None:
    additions = Additions(keys=receipt.keys, extra=receipt.extra)
    return None if additions == Additions() else _encode(additions).decode()


def _store_rejections(
    connection: Connection,
    receipt: Receipt,
    rejections: Sequence[Rejection],
    raws: Sequence[bytes],
    sightings: Sightings,
    created_at: datetime,
) -> int:
    """Store the rejections; return how many are of rows that were rejected before."""
    kept = list(map(len, raws))
    reasons: dict[bytes, tuple[int, Reason]] = {}
    numbered = [_number_reason(each.errors, reasons) for each in rejections]
    digests = [
        sightings.digest(each.raw, reason)
        for each, (_, reason) in zip(rejections, numbered, strict=True)
    ]
    (seen,) = connection.execute(
        STORE_REJECTIONS,
        {
            "batch": receipt.batch,
            "created_at": created_at,
            "table": receipt.table,
            "format": rejections[0].format,
            "raws": b"".join(raws),
            "indexes": array_text([each.index for each in rejections]),
            "lines": array_text([each.line for each in rejections]),
            "starts": array_text(list(accumulate(kept[:-1], initial=1))),
            "kept": array_text(kept),
            "sizes": array_text([len(each.raw) for each in rejections]),
            "reason_numbers": array_text([number for number, _ in numbered]),
            "reasons": _encode([reason for _, reason in reasons.values()]).decode(),
            "digests": b"".join(digests),
            "digest_bytes": DIGEST_BYTES,
        },
    ).fetchall()[0]
    return int(seen)


def _number_reason(
    errors: list[RowError], reasons: dict[bytes, tuple[int, Reason]]
) -> tuple[int, Reason]:
    """Return the reason that has these errors and its number, from 1, in the order they came."""
    key = _encode(errors)
    if key not in reasons:
        reasons[key] = len(reasons) + 1, Reason.of(errors)
    return reasons[key]


def find_idempotency_key(connection: Connection, key_prefix: str, key: str) -> FoundKey | None:
    """Return what an idempotency key was used for, None where it is not (or no longer) known."""
    row = connection.execute(FIND_KEY, {"key_prefix": key_prefix, "key": key}).fetchone()
    return FoundKey(*row) if row else None


def read_receipt(connection: Connection, batch: UUID) -> Receipt:
    """Return a batch's receipt as it was answered; raise `BatchUnknown` where there is none."""
    row = connection.execute(READ_RECEIPT, {"batch": batch}).fetchone()
    if row is None:
        raise BatchUnknown
    *counts, rejections, additions = row
    return Receipt(
        **dict(zip(_STORED, counts, strict=True)),
        **msgspec.structs.asdict(_decode_additions(additions)),
        rejections=_decode_rejections(rejections),
    )
