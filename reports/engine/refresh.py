"""A report table brought up to date: readers see the old table or the new one, whole."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from django.conf import settings
from psycopg import Connection

from project.base.database import report_connection
from project.base.errors import RowhouseError
from reports.engine import state, tables
from reports.engine.computation import Computed, compute_report
from reports.engine.definition import Definition
from reports.errors import RefreshFailed, ReportBusy

logger = logging.getLogger("rowhouse.reports")

# How often a refresh starts anew because another process finished one in between.
TRIES = 3
NEXT_SUFFIX = "__next"


@dataclass(frozen=True, kw_only=True)
class Refreshed:
    """What a refresh did and what the table is like after it."""

    report: str
    outcome: Literal["refreshed", "unchanged"]
    rows: int | None
    last_batch: UUID | None
    refreshed_at: datetime | None
    duration_ms: float


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a refresh may take and wait."""

    statement_timeout_s: int
    swap_s: float


Connect = Callable[[], Connection]


class Overtaken(Exception):
    """Another process wrote the table since its state was read."""


def refresh_report(
    definition: Definition,
    *,
    force: bool = False,
    connect: Connect = report_connection,
    today: date | None = None,
) -> Refreshed:
    """Refresh the report's table, unless nothing that it depends on has changed.

    `force` refreshes in any case; `today` is the day of a daily snapshot. Raise `RefreshFailed`
    with the reason, which is recorded too, or `ReportBusy`.
    """
    started, started_at = time.perf_counter(), datetime.now(UTC)
    config = settings.CONFIG
    attempt = _Attempt(
        definition,
        force=force,
        today=today or datetime.now(ZoneInfo(config.schedules.time_zone)).date(),
        patience=Patience(
            statement_timeout_s=config.reports.statement_timeout_s,
            swap_s=config.reports.swap_patience_s,
        ),
    )
    try:
        refreshed = attempt.run(connect())
    except ReportBusy:
        raise
    except (psycopg.Error, RowhouseError) as error:
        reason = describe_failure(error)
        record_failure(definition.name, reason, started_at, definition.header.sources, connect)
        raise RefreshFailed(
            f"{definition.name}: {reason}", report=definition.name, reason=reason
        ) from error
    duration_ms = round((time.perf_counter() - started) * 1000, 2)
    if refreshed.outcome == "refreshed":
        state.store_run(
            connect(),
            definition.name,
            started_at=started_at,
            duration_ms=duration_ms,
            rows=refreshed.rows,
            last_batch=refreshed.last_batch,
        )
    return Refreshed(
        report=definition.name,
        outcome=refreshed.outcome,
        rows=refreshed.rows,
        last_batch=refreshed.last_batch,
        refreshed_at=refreshed.refreshed_at,
        duration_ms=duration_ms,
    )


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
    sources: list[str],
    connect: Connect = report_connection,
) -> None:
    """Record why a report's table could not be refreshed; it stays as it is."""
    logger.error("refresh failed", extra={"report": name, "reason": reason})
    connection = connect()
    now = datetime.now(UTC)
    duration_ms = round((now - started_at).total_seconds() * 1000, 2)
    with connection.transaction():
        state.store_failure(connection, name, sources, now, reason)
        state.store_run(
            connection, name, started_at=started_at, duration_ms=duration_ms, error=reason
        )


@dataclass(frozen=True)
class _Result:
    outcome: Literal["refreshed", "unchanged"]
    rows: int | None
    last_batch: UUID | None
    refreshed_at: datetime | None


class _Attempt:
    """One refresh: look whether anything changed, compute, write."""

    def __init__(
        self, definition: Definition, *, force: bool, today: date, patience: Patience
    ) -> None:
        self._definition = definition
        self._name = definition.name
        self._force = force
        self._today = today if definition.header.snapshot == "daily" else None
        self._patience = patience

    def run(self, connection: Connection) -> _Result:
        for _ in range(TRIES):
            known = state.read_state(connection, self._name)
            # Before the sources are read: what it counts, they then hold.
            fingerprint = state.read_fingerprint(connection, self._definition.header.sources)
            if not self._force and self._is_unchanged(known, fingerprint):
                state.store_check(connection, self._name, datetime.now(UTC))
                return _Result("unchanged", known.rows, known.last_batch, known.refreshed_at)
            timeout_s = self._patience.statement_timeout_s
            with compute_report(connection, self._definition, timeout_s=timeout_s) as computed:
                try:
                    rows = self._write(connection, known, fingerprint, computed)
                except Overtaken:
                    continue
            return _Result("refreshed", rows, computed.last_batch, computed.now)
        raise ReportBusy(report=self._name)

    def _is_unchanged(self, known: state.State, fingerprint: str) -> bool:
        return (
            known.table_exists
            and self._definition.header.refresh == "when_changed"
            and known.definition == self._definition.digest
            and known.fingerprint == fingerprint
            and (self._today is None or known.snapshot_date == self._today)
        )

    def _write(
        self, connection: Connection, known: state.State, fingerprint: str, computed: Computed
    ) -> int:
        patience_s = self._patience.swap_s
        if self._today is not None:
            columns = computed.columns
            tables.prepare_history(connection, self._definition, columns, patience_s=patience_s)
        with connection.transaction():
            timeout = f"{self._patience.statement_timeout_s}s"
            connection.execute("SELECT set_config('statement_timeout', %s, true)", [timeout])
            if state.lock_version(connection, self._name) != known.version:
                raise Overtaken
            existing = tables.read_columns(connection, self._name)
            is_exchange = bool(existing) and existing != computed.columns
            written_to = self._name + NEXT_SUFFIX if is_exchange else self._name
            rows = self._fill(connection, written_to, existing, computed)
            if existing != computed.columns or known.definition != self._definition.digest:
                names = self._definition.header.columns
                tables.comment_table(connection, written_to, self._definition, names)
            if self._today is not None:
                tables.keep_snapshot(
                    connection, self._name, written_to, computed.columns, self._today
                )
            state.store_written(connection, self._describe(fingerprint, computed, rows))
            if is_exchange:
                tables.exchange_table(connection, self._name, written_to, patience_s=patience_s)
        return rows

    def _fill(
        self,
        connection: Connection,
        name: str,
        existing: tuple[tables.TableColumn, ...],
        computed: Computed,
    ) -> int:
        if existing == computed.columns:
            return tables.refill_table(connection, name, computed.spool)
        return tables.make_table(connection, name, computed.columns, computed.spool)

    def _describe(self, fingerprint: str, computed: Computed, rows: int) -> state.Written:
        return state.Written(
            name=self._name,
            sources=self._definition.header.sources,
            definition=self._definition.digest,
            fingerprint=fingerprint,
            now=computed.now,
            rows=rows,
            last_batch=computed.last_batch,
            snapshot_date=self._today,
            line=computed.line,
        )
