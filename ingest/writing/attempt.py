"""One transaction that tries to store a batch: key, rows, rejections and receipt, or nothing."""

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import psycopg
from psycopg import Connection
from uuid_utils.compat import uuid7

from ingest.catalog.definitions import Table
from ingest.errors import BadParameter, IdempotencyKeyInUse, IdempotencyKeyReused
from ingest.outcome import Receipt
from ingest.payload.payload import Payload
from ingest.validation.validated_rows import ValidatedBatch
from ingest.writing import receipts
from ingest.writing.conflicts import WriteOptions, check_keys_given, find_conflict_key
from ingest.writing.fault_points import Point, reach
from ingest.writing.isolated.batch_write import BatchWrite
from ingest.writing.isolated.writer import IsolatedWriter
from ingest.writing.opening import open_batch
from ingest.writing.request import Allow, BatchRequest, Companion, ConnectUnchecked
from ingest.writing.rows.writer import Written
from ingest.writing.tables import WritableTable, WritableTables
from project.base.errors import RowhouseError


class TableChanged(Exception):
    """The table's definition is not the one the rows were validated by."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A batch that is stored: its receipt, and how its rows were validated and written.

    `way` is None where the receipt is that of an earlier, equal request.
    """

    receipt: Receipt
    way: str | None = None


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A batch that is validated for a table as it was last seen."""

    known: WritableTable
    batch: ValidatedBatch
    options: WriteOptions
    is_tried_whole: bool
    unchecked: bool = False


class Attempt:
    """One transaction that tries to store a batch.

    A batch is first tried as a whole; with `isolates_rows` its bad rows are looked for at once.
    """

    def __init__(
        self,
        tables: WritableTables,
        request: BatchRequest,
        source: Payload | Companion,
        allow: Allow,
        *,
        isolates_rows: bool,
    ) -> None:
        self._tables = tables
        self._request = request
        self._source = source
        self._allow = allow
        self._isolates_rows = isolates_rows
        self._batch_id: UUID = uuid7()
        self._now = datetime.now(UTC)
        self.is_untouched = True  # nothing was sent yet that a lost connection leaves in doubt

    def run(self, connection: Connection, connect_unchecked: ConnectUnchecked) -> Stored:
        """Store the batch, or find that an earlier, equal request has.

        Rows whose foreign keys can be checked all at once are stored on an unchecked connection,
        if there is one.
        """
        if not isinstance(self._source, Payload):
            return self._run_with(self._source, connection)
        prepared = self._prepare(connection, self._source)
        if self._only_inserts and prepared.known.compiled.writer.checks.can_lock_references:
            unchecked = connect_unchecked()
            if unchecked is not None:
                return self._store(unchecked, replace(prepared, unchecked=True))
        return self._store(connection, prepared)

    def _run_with(self, companion: Companion, connection: Connection) -> Stored:
        with connection.transaction():
            prepared = self._prepare(connection, companion.begin(connection))
            stored = self._store(connection, prepared)
            companion.finish(connection, stored.receipt)
        return stored

    @property
    def _only_inserts(self) -> bool:
        request = self._request
        return request.on_conflict == "reject" and not (request.dry_run or request.returns_keys)

    def _prepare(self, connection: Connection, payload: Payload) -> _Prepared:
        request = self._request
        known = self._tables.find(connection, request.table)
        try:
            options = self._choose_options(known.table)
            self._allow(known.table)
            batch = known.compiled.choose_validator(options).validate(
                payload,
                request.on_conflict,
                copies=self._only_inserts,
                drops_extra=request.drops_extra,
            )
            check_keys_given(known.table, options, batch.groups)
        except RowhouseError as error:
            # What a remembered definition refuses, the present one may take.
            if self._tables.is_current(connection, request.table, known):
                raise
            raise TableChanged from error
        is_clean = self._only_inserts and not batch.rejections
        return _Prepared(known, batch, options, is_clean and not self._isolates_rows)

    def _choose_options(self, table: Table) -> WriteOptions:
        request = self._request
        if request.returns_keys and table.primary_key is None:
            raise BadParameter(f"{table.full_name} has no primary key", parameter="return")
        key = find_conflict_key(table, request.on_conflict, request.conflict_key)
        return WriteOptions(request.on_conflict, key, request.returns_keys)

    def _store(self, connection: Connection, prepared: _Prepared) -> Stored:
        reach(Point.BEFORE_BEGIN)
        with connection.transaction():
            opening = open_batch(
                connection,
                self._request,
                prepared.known.table,
                self._tables.schemas,
                self._batch_id,
                self._now,
            )
            if opening.version != prepared.known.version:
                raise TableChanged
            self.is_untouched = False
            if opening.is_claimed:
                reach(Point.KEY_CLAIMED)
                written = self._write(connection, prepared)
                receipt = self._store_receipt(connection, prepared, written)
                reach(Point.BEFORE_COMMIT)
                return Stored(receipt, f"{prepared.batch.validated} {written.way}")
        return Stored(self._find_receipt(connection))

    def _find_receipt(self, connection: Connection) -> Receipt:
        """Return the receipt of the batch that holds the request's key."""
        claim = self._request.claim
        if claim is None:
            raise IdempotencyKeyInUse
        found = receipts.find_idempotency_key(connection, self._request.key_prefix, claim.key)
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

    def _write(self, connection: Connection, prepared: _Prepared) -> Written:
        writer, batch, holds = (
            prepared.known.compiled.writer,
            prepared.batch,
            prepared.unchecked,
        )
        if prepared.is_tried_whole:
            return writer.write(connection, batch, batch.groups, unchecked=holds)
        isolated = IsolatedWriter(
            BatchWrite(writer, connection, batch, prepared.options, unchecked=holds)
        )
        if not (self._request.atomic or self._request.dry_run):
            return isolated.write()
        with connection.transaction() as savepoint:
            written = isolated.write()
            if written.rejections and self._request.atomic:
                ignored = batch.received - len(written.rejections)
                written = Written(ignored=ignored, rejections=written.rejections, way=written.way)
                raise psycopg.Rollback(savepoint)
            if self._request.dry_run:
                written = replace(written, keys=())
                raise psycopg.Rollback(savepoint)
        return written

    def _store_receipt(
        self, connection: Connection, prepared: _Prepared, written: Written
    ) -> Receipt:
        receipt = Receipt(
            batch=self._batch_id,
            table=prepared.known.table.full_name,
            received=prepared.batch.received,
            inserted=written.inserted,
            updated=written.updated,
            ignored=written.ignored,
            rejected=len(written.rejections),
            duration_ms=round((time.perf_counter() - self._request.started) * 1000, 2),
            dry_run=self._request.dry_run,
            rejections=[rejection.shown for rejection in written.rejections],
            keys=written.list_keys() if self._request.returns_keys else msgspec.UNSET,
            extra=prepared.batch.extra if self._request.drops_extra else msgspec.UNSET,
        )
        is_own = isinstance(self._source, Payload)
        receipts.store(
            connection,
            receipt,
            written.rejections,
            self._request,
            created_at=self._now,
            fields=prepared.batch.texts.fields,
            logs_rejections=is_own and not self._request.dry_run,
        )
        return receipt
