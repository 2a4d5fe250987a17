"""The refresh of tables in schema `reports`: one way to skip, run, retry and record it.

What is refreshed, a report or the data of an API, is a `Refreshable`.
"""

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

import psycopg
from django.conf import settings
from psycopg import Connection

from project.base.database import report_connection
from project.base.errors import RowhouseError
from reports.engine import state
from reports.engine.state import Overtaken, State, Written
from reports.errors import RefreshFailed, ReportBusy

logger = logging.getLogger("rowhouse.reports")

# Attempts, where another process finished a refresh meanwhile.
TRIES = 3

Connect = Callable[[], Connection]
Outcome = Literal["refreshed", "unchanged"]


class Refreshable(ABC):
    """Tables that are refreshed together and have one row in service.report.

    `digest` is a hash, or a version, of how the rows are computed; `title` is what messages of
    failures begin with.
    """

    name: str
    title: str
    sources: Sequence[str]
    digest: str

    def read_fingerprint(self, connection: Connection) -> str:
        """Return a text that changes with the data that the rows are computed from."""
        return state.read_fingerprint(connection, self.sources)

    def is_stale(self, known: State) -> bool:
        """Return whether the tables are stale even if digest and fingerprint are unchanged."""
        return False

    @abstractmethod
    def rebuild(self, connection: Connection, known: State, fingerprint: str) -> Written:
        """Compute the rows and publish them; return what was recorded in the same transaction.

        Raise `Overtaken` where `known` is no longer the state, `ReportBusy` where another process
        is computing.
        """


@dataclass(frozen=True, kw_only=True)
class Refreshed:
    """What a refresh did and what the table is like after it."""

    report: str
    outcome: Outcome
    rows: int | None
    last_batch: UUID | None
    refreshed_at: datetime | None
    duration_ms: float


def refresh(
    target: Refreshable, *, force: bool = False, connect: Connect = report_connection
) -> Refreshed:
    """Refresh the tables where they are stale.

    `force` refreshes them in any case. Raise `ReportBusy`, or `RefreshFailed` with the reason that
    is recorded.
    """
    started, started_at = time.perf_counter(), datetime.now(UTC)
    try:
        outcome, result = _refresh(target, connect(), force=force)
    except ReportBusy:
        raise
    except (psycopg.Error, RowhouseError) as error:
        reason = describe_failure(error)
        record_failure(target.name, reason, started_at, target.sources, connect)
        raise RefreshFailed(
            f"{target.title}: {reason}", report=target.name, reason=reason
        ) from error
    duration_ms = round((time.perf_counter() - started) * 1000, 2)
    if outcome == "refreshed":
        state.store_run(
            connect(),
            target.name,
            started_at=started_at,
            duration_ms=duration_ms,
            rows=result.rows,
            last_batch=result.last_batch,
        )
    return Refreshed(
        report=target.name,
        outcome=outcome,
        rows=result.rows,
        last_batch=result.last_batch,
        refreshed_at=result.refreshed_at,
        duration_ms=duration_ms,
    )


def _refresh(
    target: Refreshable, connection: Connection, *, force: bool
) -> tuple[Outcome, State | Written]:
    for _ in range(TRIES):
        known = state.read_state(connection, target.name)
        # Before the snapshot: changes that it counts are visible there.
        fingerprint = target.read_fingerprint(connection)
        is_same = (known.definition, known.fingerprint) == (target.digest, fingerprint)
        if is_same and not force and not target.is_stale(known):
            state.store_check(connection, target.name, datetime.now(UTC))
            return "unchanged", known
        try:
            return "refreshed", target.rebuild(connection, known, fingerprint)
        except (Overtaken, psycopg.errors.SerializationFailure):
            continue
    raise ReportBusy(report=target.name)


@contextmanager
def open_snapshot(connection: Connection, name: str) -> Iterator[None]:
    """Open the transaction that a refresh reads its sources in, as of one snapshot.

    Raise `ReportBusy` where another process has one open for the same name.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        limit_statements(connection)
        row = connection.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"rowhouse.report.{name}"]
        ).fetchone()
        if not row or not row[0]:
            raise ReportBusy(report=name)
        yield


def limit_statements(connection: Connection) -> None:
    """Set the transaction's statement timeout to that of refreshes."""
    timeout = f"{settings.CONFIG.reports.statement_timeout_s}s"
    connection.execute("SELECT set_config('statement_timeout', %s, true)", [timeout])


def describe_failure(error: Exception) -> str:
    """Return the reason of a failed refresh without any value of a row."""
    if isinstance(error, RowhouseError):
        return error.message
    diagnosis = getattr(error, "diag", None)
    if diagnosis is not None and diagnosis.message_primary:
        return f"{diagnosis.message_primary} (SQLSTATE {diagnosis.sqlstate})"
    return type(error).__name__ + ": the connection to the database was lost"


def record_failure(
    name: str,
    reason: str,
    started_at: datetime,
    sources: Sequence[str],
    connect: Connect = report_connection,
) -> None:
    """Record why the tables could not be refreshed; they stay as they are."""
    logger.error("refresh failed", extra={"report": name, "reason": reason})
    connection = connect()
    now = datetime.now(UTC)
    duration_ms = round((now - started_at).total_seconds() * 1000, 2)
    with connection.transaction():
        state.store_failure(connection, name, sources, now, reason)
        state.store_run(
            connection, name, started_at=started_at, duration_ms=duration_ms, error=reason
        )
