"""One batch, from its rows to its receipt, in one transaction."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

import psycopg
from psycopg import Connection
from uuid_utils.compat import uuid7

from ingest import receipts
from ingest.careful import CarefulWrite
from ingest.catalog import Table, UniqueKey
from ingest.decoded import Decoded
from ingest.errors import (
    BadParameter,
    BadRequest,
    IdempotencyKeyInUse,
    IdempotencyKeyReused,
    TableAmbiguous,
    TableUnknown,
    TooLarge,
)
from ingest.outcome import OnConflict, Receipt
from ingest.points import Point, reach
from ingest.references import ReferenceMissing
from ingest.registry import KnownTable, TableRegistry
from ingest.sqlstates import describe_trouble, is_connection_lost, is_data_error, is_passing
from ingest.writer import RowsSkipped, WriteOptions, Written
from project.errors import RowhouseError, Unavailable

# How often a batch is tried again when its table changes, or another transaction is in its way.
TRIES = 5

# The table, or the schema it was in, is gone.
UNDEFINED = frozenset({"42P01", "3F000"})


@dataclass(frozen=True, slots=True)
class IdempotencyClaim:
    """A client's Idempotency-Key and what identifies the request it came with."""

    key: str
    request_hash: bytes
    lifetime: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRequest:
    """What a client asks for, apart from the rows."""

    table: str
    key_prefix: str
    format: str = "json"
    on_conflict: OnConflict = "reject"
    conflict_key: str | None = None
    atomic: bool = False
    dry_run: bool = False
    claim: IdempotencyClaim | None = None
    max_raw_bytes: int = 65536
    started: float = field(default_factory=time.perf_counter)


# Sorts a batch's rows by the rules of the table it is for.
Decode = Callable[[KnownTable], Decoded]

# Returns a usable connection in autocommit mode, a new one where the last one was lost.
Connect = Callable[[], Connection]

# The same for a connection where foreign keys are not checked, None where there is none to be had.
ConnectUnchecked = Callable[[], Connection | None]

# For the one transaction, where it runs on a connection that everything else uses too.
WITHOUT_TRIGGERS = "SET LOCAL session_replication_role = 'replica'"


def connect_nowhere() -> None:
    """Return no connection: foreign keys are PostgreSQL's own to check, row by row."""


class Companion(Protocol):
    """What is recorded in a batch's own transaction beside the batch: all of it, or nothing.

    A batch that is tried again begins anew. Rows that are rejected stay inside the receipt: what
    else is known of them is the companion's to record.
    """

    def begin(self, connection: Connection) -> None:
        """Lock what the rows come from, before they are decoded."""

    def finish(self, connection: Connection, receipt: Receipt) -> None:
        """Record what became of the rows, before the commit."""


class TableChanged(Exception):
    """The table's definition is not the one the rows were decoded by."""


def ingest_batch(
    connect: Connect,
    registry: TableRegistry,
    request: BatchRequest,
    decode: Decode,
    companion: Companion | None = None,
    connect_unchecked: ConnectUnchecked = connect_nowhere,
) -> tuple[Receipt, bool]:
    """Store what can be stored of a batch; return its receipt, and whether that is an old one.

    Rows, rejections, idempotency key and receipt commit in one transaction. Raises request errors
    for what is wrong with the whole batch and `Unavailable` for trouble that is not the client's;
    nothing is stored in either case.
    """
    carefully = False
    for _ in range(TRIES):
        attempt = _Attempt(registry, request, decode, companion, connect_unchecked)
        try:
            answer = attempt.run(connect(), carefully=carefully)
            reach(Point.COMMITTED)
            return answer
        except (BadRequest, TooLarge, TableUnknown, TableAmbiguous):
            # Whatever became of the table since, a batch that was stored has its receipt.
            receipt = attempt.find_stored_receipt(connect())
            if receipt is None:
                raise
            return receipt, True
        except TableChanged:
            registry.forget(request.table)
        except (RowsSkipped, ReferenceMissing):
            connect_unchecked = connect_nowhere if carefully else connect_unchecked
            carefully = True
        except psycopg.Error as error:
            if error.sqlstate in UNDEFINED:
                registry.forget(request.table)
            elif is_data_error(error) and not carefully:
                carefully = True
            elif not (is_passing(error) or (attempt.is_untouched and is_connection_lost(error))):
                raise describe_trouble(error) from error
    raise Unavailable("The table or its rows keep changing; send the batch again")


class _Attempt:
    """One transaction that tries to store a batch."""

    def __init__(
        self,
        registry: TableRegistry,
        request: BatchRequest,
        decode: Decode,
        companion: Companion | None,
        connect_unchecked: ConnectUnchecked,
    ) -> None:
        self._registry = registry
        self._request = request
        self._decode = decode
        self._companion = companion
        # A companion's transaction has begun, on another connection.
        self._connect_unchecked = connect_nowhere if companion else connect_unchecked
        self._holds_references = False
        self._batch: UUID = uuid7()
        self._now = datetime.now(UTC)
        self.is_untouched = True  # nothing was sent yet that a lost connection leaves in doubt

    def run(self, connection: Connection, *, carefully: bool) -> tuple[Receipt, bool]:
        if self._companion is None:
            return self._run(connection, carefully=carefully)
        with connection.transaction():
            self._companion.begin(connection)
            receipt, is_old = self._run(connection, carefully=carefully)
            self._companion.finish(connection, receipt)
        return receipt, is_old

    def _run(self, connection: Connection, *, carefully: bool) -> tuple[Receipt, bool]:
        self._connection = checked = connection
        self._known = self._registry.find(connection, self._request.table)
        self._options, self._decoded = self._decode_rows(connection)
        connection = self._choose_connection(connection)
        reach(Point.BEFORE_BEGIN)
        with connection.transaction():
            self._known.writer.hold(connection)
            if not self._registry.is_current(connection, self._request.table, self._known):
                raise TableChanged
            self.is_untouched = False
            if self._holds_references and self._connection is checked:
                self._connection.execute(WITHOUT_TRIGGERS)
            if self._request.claim is None or self._claim_key(self._request.claim):
                reach(Point.KEY_CLAIMED)
                written = self._write(carefully=carefully)
                receipt = self._store(written)
                reach(Point.BEFORE_COMMIT)
                return receipt, False
        return self._find_receipt(), True

    @property
    def _only_inserts(self) -> bool:
        return self._options.on_conflict == "reject" and not self._request.dry_run

    def _choose_connection(self, connection: Connection) -> Connection:
        """Have foreign keys checked for the whole batch at once, where that can be done."""
        if self._only_inserts and self._known.writer.references.are_checkable:
            unchecked = self._connect_unchecked()
            if unchecked is not None:
                self._holds_references = True
                self._connection = unchecked
        return self._connection

    def _decode_rows(self, connection: Connection) -> tuple[WriteOptions, Decoded]:
        try:
            key = self._conflict_key(self._known.table)
            return WriteOptions(self._request.on_conflict, key), self._decode(self._known)
        except RowhouseError as error:
            # What a remembered definition refuses, the present one may take.
            if self._registry.is_current(connection, self._request.table, self._known):
                raise
            raise TableChanged from error

    def _claim_key(self, claim: IdempotencyClaim) -> bool:
        """Claim the request's idempotency key and return whether it was free."""
        params = {
            "key_prefix": self._request.key_prefix,
            "key": claim.key,
            "request_hash": claim.request_hash,
            "batch": self._batch,
            "now": self._now,
            "expires_at": self._now + claim.lifetime,
        }
        return self._connection.execute(receipts.CLAIM_KEY, params).fetchone() is not None

    def _find_receipt(self) -> Receipt:
        """Return the receipt of the batch that holds the request's key."""
        claim = self._request.claim
        if claim is None:
            raise IdempotencyKeyInUse
        found = receipts.find_key(self._connection, self._request.key_prefix, claim.key)
        if found is None:
            raise IdempotencyKeyInUse
        if found.request_hash != claim.request_hash:
            raise IdempotencyKeyReused
        return receipts.read_receipt(self._connection, found.batch)

    def find_stored_receipt(self, connection: Connection) -> Receipt | None:
        """Return the receipt of the same request if it was stored before, else None."""
        claim = self._request.claim
        if claim is None:
            return None
        found = receipts.find_key(connection, self._request.key_prefix, claim.key)
        if found is None or found.request_hash != claim.request_hash:
            return None
        return receipts.read_receipt(connection, found.batch)

    def _write(self, *, carefully: bool) -> Written:
        decoded, options = self._decoded, self._options
        writer = self._known.writer
        if self._only_inserts and not carefully and not decoded.rejections:
            return writer.write_whole(
                self._connection, decoded, holds_references=self._holds_references
            )
        write = CarefulWrite(
            writer, self._connection, decoded, options, holds_references=self._holds_references
        )
        if not (self._request.atomic or self._request.dry_run):
            return write.run()
        with self._connection.transaction() as savepoint:
            written = write.run()
            if written.rejections and self._request.atomic:
                written = Written(
                    ignored=decoded.received - len(written.rejections),
                    rejections=written.rejections,
                )
                raise psycopg.Rollback(savepoint)
            if self._request.dry_run:
                raise psycopg.Rollback(savepoint)
        return written

    def _store(self, written: Written) -> Receipt:
        receipt = Receipt(
            batch=self._batch,
            table=self._known.table.full_name,
            received=self._decoded.received,
            inserted=written.inserted,
            updated=written.updated,
            ignored=written.ignored,
            rejected=len(written.rejections),
            duration_ms=round((time.perf_counter() - self._request.started) * 1000, 2),
            dry_run=self._request.dry_run,
            rejections=[rejection.shown for rejection in written.rejections],
        )
        receipts.store(
            self._connection,
            receipt,
            written.rejections,
            receipts.Circumstances(
                created_at=self._now,
                key_prefix=self._request.key_prefix,
                format=self._request.format,
                on_conflict=self._request.on_conflict,
                atomic=self._request.atomic,
                fields=self._decoded.fields,
                max_raw_bytes=self._request.max_raw_bytes,
                logs_rejections=self._companion is None and not self._request.dry_run,
            ),
        )
        return receipt

    def _conflict_key(self, table: Table) -> UniqueKey | None:
        """Return the key whose conflicts are ignored or updated."""
        request = self._request
        if request.on_conflict == "reject":
            return None
        name = request.conflict_key
        keys = [key for key in table.unique_keys if (key.name == name if name else key.primary)]
        if not keys:
            wanted = f"a unique key {name!r}" if name else "a primary key: name a conflict_key"
            raise BadParameter(
                f"{table.full_name} does not have {wanted}", parameter="conflict_key"
            )
        if keys[0].deferrable:
            raise BadParameter(
                f"{keys[0].name} is deferrable and cannot settle conflicts",
                parameter="conflict_key",
            )
        return keys[0]
