"""Batches delivered with several requests in flight, their receipts taken in file order.

A batch whose rows may depend on those of another is sent when that one is answered.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import astuple, dataclass, field
from itertools import count
from operator import add
from typing import NamedTuple
from uuid import uuid4

from ingest.loaders.client import IngestClient, Undelivered
from ingest.loaders.formats.files import Batch
from ingest.loaders.formats.layouts import BATCH_ROWS
from ingest.loaders.formats.rows import FileMalformed
from ingest.loaders.forward_references import ForwardReferences
from ingest.loaders.order import Claims, RowOrder
from ingest.loaders.responses import Receipt
from project.base.errors import RowhouseError

# With two cores for service and database, more than this only wait for each other.
IN_FLIGHT = 4
# Bodies that wait for their answers; together with their rows they are most of the memory.
IN_FLIGHT_BYTES = 16 * 1024 * 1024
# How long requests that are being answered are waited for when the load stops.
GRACE_S = 10.0

OnReceipt = Callable[[Batch, Receipt], None]


@dataclass(slots=True)
class Totals:
    """What became of all rows so far."""

    received: int = 0
    inserted: int = 0
    updated: int = 0
    ignored: int = 0
    rejected: int = 0
    unanswered: int = 0  # rows sent whose outcome is not known

    def __add__(self, more: "Totals") -> "Totals":
        return Totals(*map(add, astuple(self), astuple(more)))

    def count(self, receipt: Receipt) -> None:
        """Count a batch's receipt."""
        for name in ("received", "inserted", "updated", "ignored", "rejected"):
            setattr(self, name, getattr(self, name) + getattr(receipt, name))

    def describe(self) -> str:
        """Return the totals in words."""
        doubt = f", {self.unanswered:,} sent without an answer" if self.unanswered else ""
        return (
            f"{self.received:,} rows received: {self.inserted:,} inserted, "
            f"{self.updated:,} updated, {self.ignored:,} ignored, "
            f"{self.rejected:,} rejected{doubt}"
        )


@dataclass(frozen=True, slots=True)
class RejectionLimit:
    """How many rows may be rejected before a load ends: a number, or a share of those received."""

    rows: int | None = None
    percent: float = 100.0

    def is_exceeded(self, totals: Totals) -> bool:
        """Return whether a load goes wrong; a share needs as many rows as a batch has."""
        if self.rows is not None:
            return totals.rejected > self.rows
        has_enough = totals.received >= BATCH_ROWS
        return has_enough and totals.rejected * 100 > totals.received * self.percent


class TooManyRejected(RowhouseError):
    """More rows are rejected than --max-rejected allows."""

    code = "too_many_rejected"


class LoadStopped(RowhouseError):
    """The load ended before its last row; `totals` says what was stored."""

    code = "load_stopped"

    def __init__(self, message: str, totals: Totals) -> None:
        super().__init__(message)
        self.totals = totals


class BatchFailed(RowhouseError):
    """A batch was refused, could not be delivered, or was understood otherwise than meant."""

    code = "batch_failed"


def load_batches(
    client: IngestClient,
    table: str,
    batches: Iterable[Batch],
    order: RowOrder,
    *,
    params: Mapping[str, str] | None = None,
    in_flight: int = IN_FLIGHT,
    on_receipt: OnReceipt | None = None,
    limit: RejectionLimit | None = None,
) -> Totals:
    """Send all batches and return the totals; `on_receipt` is called in file order.

    Raises `LoadStopped` when a batch is refused or cannot be delivered, the file is malformed, more
    rows are rejected than the limit allows or the user interrupts; what was in flight then is
    waited for and counted.
    """
    delivery = _Delivery(client, table, order, params or {}, on_receipt, limit)
    with ThreadPoolExecutor(in_flight) as pool:
        try:
            reading = iter(batches)
            while batch := delivery.read(reading):
                # Twice as many as are in flight, so that no sender waits for the oldest receipt.
                while delivery.is_full(2 * in_flight, IN_FLIGHT_BYTES - len(batch.body)):
                    delivery.settle_oldest()
                claims = order.read(batch)
                while delivery.must_wait(claims):
                    delivery.settle_oldest()
                delivery.submit(pool, batch, claims)
            while delivery.window:
                delivery.settle_oldest()
            delivery.send_again()
            if delivery.damage:
                raise delivery.damage
        except (RowhouseError, OSError, KeyboardInterrupt) as error:
            delivery.drain()
            raise LoadStopped(str(error) or "interrupted", delivery.totals) from error
        finally:
            delivery.release()
    return delivery.totals


class _Sent(NamedTuple):
    """A batch that was handed to a sender."""

    batch: Batch
    claims: Claims | None
    future: Future[Receipt]

    @property
    def is_answered(self) -> bool:
        """Return whether there is a receipt."""
        return self.future.done() and self.future.exception() is None


@dataclass(slots=True)
class _Delivery:
    """The batches that were handed to the senders and not settled yet, oldest first."""

    client: IngestClient
    table: str
    order: RowOrder
    params: Mapping[str, str]
    on_receipt: OnReceipt | None
    limit: RejectionLimit | None = None
    totals: Totals = field(default_factory=Totals)
    window: deque[_Sent] = field(default_factory=deque)
    damage: FileMalformed | OSError | None = None
    run: str = field(default_factory=lambda: uuid4().hex)
    numbers: Iterator[int] = field(default_factory=count)
    held: ForwardReferences = field(init=False)

    def __post_init__(self) -> None:
        self.held = ForwardReferences(self.client, self.params, self.order.parents)

    def read(self, batches: Iterator[Batch]) -> Batch | None:
        """Return the next batch, None after the last; damage to the file is the end of it.

        The rows before the damage are delivered before it is told.
        """
        try:
            return next(batches, None)
        except (FileMalformed, OSError) as damage:
            self.damage = damage
            return None

    def must_wait(self, claims: Claims | None) -> bool:
        """Return whether rows with these claims may depend on rows that are not answered yet."""
        return any(
            claims is None or sent.claims is None or claims.depend_on(sent.claims)
            for sent in self.window
            if not sent.is_answered
        )

    def submit(self, pool: ThreadPoolExecutor, batch: Batch, claims: Claims | None) -> None:
        """Have the batch sent as soon as a sender is free."""
        future = pool.submit(
            self.client.send_batch,
            self.table,
            batch.body,
            batch.layout.content_type,
            f"load-{self.run}-{next(self.numbers)}",
            {**batch.layout.params, **self.params},
        )
        self.window.append(_Sent(batch, claims, future))

    def is_full(self, most: int, most_bytes: int) -> bool:
        """Return whether so many batches, or bodies of so many bytes, are waiting."""
        bodies = [len(sent.batch.body) for sent in self.window]
        return len(bodies) > 0 and (len(bodies) >= most or sum(bodies) > most_bytes)

    def settle_oldest(self) -> None:
        """Wait for the oldest batch's receipt and count it; raise what became of it instead."""
        batch, _, future = self.window[0]
        try:
            receipt = future.result()
        except RowhouseError as error:
            raise BatchFailed(f"{batch.span}: {error.message}") from error
        self.window.popleft()
        self._count(batch, receipt)
        if receipt.received != len(batch.rows.texts):
            raise BatchFailed(
                f"{batch.span}: the service found {receipt.received} rows, "
                f"the file has {len(batch.rows.texts)}"
            )
        if self.limit and self.limit.is_exceeded(self.totals):
            raise TooManyRejected(
                f"{self.totals.rejected:,} of {self.totals.received:,} rows are rejected, more "
                "than --max-rejected allows; what was stored stays: load the corrected file with "
                "--on-conflict ignore"
            )

    def drain(self) -> None:
        """Send nothing more; count what is answered in time and what is left in doubt."""
        self.client.stop()
        pending = {sent.future for sent in self.window if not sent.future.cancel()}
        with suppress(KeyboardInterrupt):  # the second one: the user does not want to wait
            wait(pending, timeout=GRACE_S)
        self.client.abort()
        for batch, _, future in self.window:
            if future not in pending:
                continue
            try:
                receipt = future.result()
            except Undelivered as error:
                self.totals.unanswered += len(batch.rows.texts) if error.in_doubt else 0
            except RowhouseError:
                continue  # refused: nothing of it was stored
            else:
                with suppress(OSError):  # the rejects file may be why the load stopped
                    self._count(batch, receipt)

    def send_again(self) -> None:
        """Have the rows tried again that lacked a row which was sent after them."""
        for summary in self.held.send_again():
            self.totals.rejected -= summary.replayed
            for batch in summary.batches:
                self.totals.inserted += batch.inserted
                self.totals.updated += batch.updated
                self.totals.ignored += batch.ignored

    def release(self) -> None:
        """Tell of the rejections that were held back and stay."""
        for batch, receipt in self.held.release():
            self._tell(batch, receipt)

    def _count(self, batch: Batch, receipt: Receipt) -> None:
        self.totals.count(receipt)
        self._tell(batch, self.held.hold(batch, receipt))

    def _tell(self, batch: Batch, receipt: Receipt) -> None:
        if self.on_receipt:
            self.on_receipt(batch, receipt)
