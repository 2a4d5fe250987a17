"""One transaction that tries to store a batch: key, rows, rejections and receipt, or nothing."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import psycopg
from psycopg import Connection
from uuid_utils.compat import uuid7

from ingest.catalog.definitions import Table, UniqueKey
from ingest.catalog.registry import TableRegistry
from ingest.errors import BadParameter, IdempotencyKeyInUse, IdempotencyKeyReused
from ingest.outcome import Receipt
from ingest.validation.validated_rows import Decoded
from ingest.writing import receipts
from ingest.writing.fault_points import Point, reach
from ingest.writing.opening import open_batch
from ingest.writing.request import (
    BatchRequest,
    Companion,
    ConnectUnchecked,
    Decode,
    connect_nowhere,
)
from ingest.writing.row_isolation import CarefulWrite
from ingest.writing.writer import WriteOptions, Written
from project.base.errors import RowhouseError


class TableChanged(Exception):
    """The table's definition is not the one the rows were decoded by."""


class Attempt:
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
        """Return the batch's receipt, and whether it is that of an earlier, equal request."""
        if self._companion is None:
            return self._run(connection, carefully=carefully)
        with connection.transaction():
            self._companion.begin(connection)
            receipt, is_old = self._run(connection, carefully=carefully)
            self._companion.finish(connection, receipt)
        return receipt, is_old

    def _run(self, connection: Connection, *, carefully: bool) -> tuple[Receipt, bool]:
        self._connection = connection
        self._known = self._registry.find(connection, self._request.table)
        self._is_whole = self._only_inserts and not carefully
        self._options, self._decoded = self._decode_rows(connection)
        connection = self._choose_connection(connection)
        reach(Point.BEFORE_BEGIN)
        with connection.transaction():
            opening = open_batch(
                connection,
                self._request,
                self._known.table,
                self._registry.schemas,
                self._batch,
                self._now,
            )
            if opening.version != self._known.version:
                raise TableChanged
            self.is_untouched = False
            if opening.is_claimed:
                reach(Point.KEY_CLAIMED)
                written = self._write()
                receipt = self._store(written)
                reach(Point.BEFORE_COMMIT)
                return receipt, False
        return self._find_receipt(self._connection), True

    @property
    def _only_inserts(self) -> bool:
        return self._request.on_conflict == "reject" and not self._request.dry_run

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
            # What is encoded can only be copied.
            known = self._known if self._only_inserts else replace(self._known, encoder=None)
            return WriteOptions(self._request.on_conflict, key), self._decode(known)
        except RowhouseError as error:
            # What a remembered definition refuses, the present one may take.
            if self._registry.is_current(connection, self._request.table, self._known):
                raise
            raise TableChanged from error

    def _find_receipt(self, connection: Connection) -> Receipt:
        """Return the receipt of the batch that holds the request's key."""
        claim = self._request.claim
        if claim is None:
            raise IdempotencyKeyInUse
        found = receipts.find_key(connection, self._request.key_prefix, claim.key)
        if found is None:
            raise IdempotencyKeyInUse
        if found.request_hash != claim.request_hash:
            raise IdempotencyKeyReused
        return receipts.read_receipt(connection, found.batch)

    def find_stored_receipt(self, connection: Connection) -> Receipt | None:
        """Return the receipt of the same request if it was stored before, else None."""
        try:
            return self._find_receipt(connection)
        except (IdempotencyKeyInUse, IdempotencyKeyReused):
            return None

    def _write(self) -> Written:
        decoded, options = self._decoded, self._options
        writer = self._known.writer
        if self._is_whole and not decoded.rejections:
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
