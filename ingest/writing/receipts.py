"""Receipts: stored with their rejections in the batch's own transaction, and read again."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from itertools import accumulate, compress
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from psycopg import Connection

from ingest.outcome import Additions, Reason, Receipt, ReceiptRejection, Rejection
from ingest.payload.json_text import array_text
from ingest.writing.fault_points import Point, reach
from ingest.writing.request import BatchRequest
from ingest.writing.sightings import Sightings
from project.base.errors import RowhouseError
from project.base.sql_files import read_sql

FOLDER = Path(__file__).parent / "sql"
STORE_BATCH = read_sql(FOLDER / "store_batch.sql")
FIND_REJECTIONS = read_sql(FOLDER / "find_rejections.sql")
REPEAT_REJECTIONS = read_sql(FOLDER / "repeat_rejections.sql")
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
        sightings = Sightings(receipt.table, rejections[0].format, fields, request.nulls)
        log = _Log.of(rejections, sightings)
        batch: dict[str, Any] = {"batch": receipt.batch, "created_at": created_at}
        known = _count_again(connection, log, batch)
        if known:
            kept = {"batch": receipt.batch, "rejections": _encode(receipt.rejections).decode()}
            connection.execute(KEEP_RECEIPT, kept)
            log = log.without(known)
        if log.rejections:
            batch |= {"table": receipt.table, "format": rejections[0].format}
            _store_rejections(connection, log, batch, request.max_raw_bytes)


_ADDED = Additions.__struct_fields__
_STORED = tuple(n for n in Receipt.__struct_fields__ if n not in {*_ADDED, "rejections"})


def _encode_additions(receipt: Receipt) -> str | None:
    additions = Additions(keys=receipt.keys, extra=receipt.extra)
    return None if additions == Additions() else _encode(additions).decode()


class _Log(NamedTuple):
    """Rejections as they are stored; `numbers`, from 1, are those of their reasons."""

    rejections: Sequence[Rejection]
    numbers: Sequence[int]
    digests: Sequence[str]
    reasons: Sequence[Reason]

    @classmethod
    def of(cls, rejections: Sequence[Rejection], sightings: Sightings) -> "_Log":
        numbers, digests = [], []
        reasons: dict[bytes, tuple[int, Reason, blake2b]] = {}
        for each in rejections:
            key = _encode(each.errors)
            if key not in reasons:
                reason = Reason.of(each.errors)
                reasons[key] = len(reasons) + 1, reason, sightings.begin(reason)
            number, _, begun = reasons[key]
            numbers.append(number)
            digests.append(sightings.digest(each.raw, begun))
        return cls(rejections, numbers, digests, [reason for _, reason, _ in reasons.values()])

    def without(self, known: Collection[str]) -> "_Log":
        """Return the log without the rows that have these digests."""
        is_new = [digest not in known for digest in self.digests]
        return _Log(
            list(compress(self.rejections, is_new)),
            list(compress(self.numbers, is_new)),
            list(compress(self.digests, is_new)),
            self.reasons,
        )


def _count_again(connection: Connection, log: _Log, batch: Mapping[str, Any]) -> set[str]:
    """Count the open rejections that are of these rows once more; return their digests."""
    digests = array_text(log.digests)
    found = connection.execute(FIND_REJECTIONS, {"digests": digests}).fetchall()
    if not found:
        return set()
    indexes = {digest: each.index for digest, each in zip(log.digests, log.rejections, strict=True)}
    repeated = {
        "ids": [identifier for identifier, _ in found],
        "indexes": [indexes[digest.hex] for _, digest in found],
    }
    connection.execute(REPEAT_REJECTIONS, {**batch, **repeated})
    return {digest.hex for _, digest in found}


def _store_rejections(
    connection: Connection, log: _Log, batch: Mapping[str, Any], max_raw_bytes: int
) -> None:
    raws = [each.raw[:max_raw_bytes] for each in log.rejections]
    kept = list(map(len, raws))
    connection.execute(
        STORE_REJECTIONS,
        {
            **batch,
            "raws": b"".join(raws),
            "indexes": array_text([each.index for each in log.rejections]),
            "lines": array_text([each.line for each in log.rejections]),
            "starts": array_text(list(accumulate(kept[:-1], initial=1))),
            "kept": array_text(kept),
            "sizes": array_text([len(each.raw) for each in log.rejections]),
            "reason_numbers": array_text(log.numbers),
            "digests": array_text(log.digests),
            "reasons": _encode(log.reasons).decode(),
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
    *counts, rejections, additions = row
    return Receipt(
        **dict(zip(_STORED, counts, strict=True)),
        **msgspec.structs.asdict(_decode_additions(additions)),
        rejections=_decode_rejections(rejections),
    )
