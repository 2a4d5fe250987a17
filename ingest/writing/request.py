"""What is asked for with a batch of rows, and what ingest needs to do it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from psycopg import Connection

from ingest.catalog.definitions import Table
from ingest.outcome import OnConflict, Receipt
from ingest.payload.payload import RowList


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
    returns_keys: bool = False  # the receipt has the primary key of each stored row
    drops_extra: bool = False  # columns that the table does not have are left out and counted
    claim: IdempotencyClaim | None = None
    max_raw_bytes: int = 65536
    nulls: tuple[str, ...] = ()  # the words that mean null in its CSV records
    started: float = field(default_factory=time.perf_counter)


# Refuses (by raising) a table that the caller may not write to.
Allow = Callable[[Table], None]

# Returns a usable connection in autocommit mode, a new one where the last one was lost.
Connect = Callable[[], Connection]

# The same for a connection where foreign keys are not checked, None where there is none to be had.
ConnectUnchecked = Callable[[], Connection | None]


def allow_all(table: Table) -> None:
    """Let rows be written to any exposed table."""


def connect_nowhere() -> None:
    """Return no connection: foreign keys are PostgreSQL's own to check, row by row."""


class Companion(Protocol):
    """Where a batch's rows come from when that is recorded in the batch's own transaction.

    A batch that is tried again begins anew. Rows that are rejected stay inside the receipt: what
    else is known of them is the companion's to record.
    """

    def begin(self, connection: Connection) -> RowList:
        """Lock what the rows come from and return them."""

    def finish(self, connection: Connection, receipt: Receipt) -> None:
        """Record what became of the rows, before the commit."""
