"""The refresh: what the API reads brought up to date with what was ingested and with the clock."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import psycopg
from django.conf import settings
from psycopg import Connection

from apis.covid.fields.definitions import read_definitions
from apis.covid.fields.lifecycle import Lifecycle
from apis.covid.refresh.build import Build
from project.base.database import report_connection
from project.base.errors import RowhouseError
from reports.engine import state
from reports.engine.refresh import describe_failure, record_failure, refresh_report
from reports.engine.registry import find_report
from reports.errors import RefreshFailed, ReportBusy

logger = logging.getLogger("rowhouse.covid")

REPORT = "covid_values"
SOURCES = tuple(
    f"covid.{table}"
    for table in (
        *("states", "states_daily", "us_daily"),
        *("population", "field_definitions", "changes"),
    )
)
DOWNLOADS = ("covid_states_daily", "covid_us_daily")
# Grows when this program writes something else than before out of the same data.
EDITION = "1"
TRIES = 3


@dataclass(frozen=True)
class Refreshed:
    """What a refresh did."""

    outcome: Literal["refreshed", "unchanged"]
    rows: int | None
    refreshed_at: datetime | None


Connect = Callable[[], Connection]


def refresh_api(
    now: datetime | None = None, *, force: bool = False, connect: Connect = report_connection
) -> Refreshed:
    """Build what the API reads as of `now`, unless neither the data nor any field's stage changed.

    Readers see the old build or the new one, whole. Raise `RefreshFailed` with the reason, which
    is recorded too, or `ReportBusy` where another process is at it.
    """
    started, started_at = time.perf_counter(), datetime.now(UTC)
    try:
        refreshed = _try_refresh(connect(), now or started_at, force=force)
    except ReportBusy:
        raise
    except (psycopg.Error, RowhouseError) as error:
        reason = describe_failure(error)
        record_failure(REPORT, reason, started_at, list(SOURCES), connect)
        raise RefreshFailed(f"covid: {reason}", report=REPORT, reason=reason) from error
    if refreshed.outcome == "refreshed":
        duration_ms = round((time.perf_counter() - started) * 1000, 2)
        state.store_run(
            connect(), REPORT, started_at=started_at, duration_ms=duration_ms, rows=refreshed.rows
        )
    return refreshed


def refresh_everything() -> str:
    """Refresh the API and its CSV files, as a scheduled job; say what was done."""
    if "covid" not in settings.CONFIG.datasets:
        return "there is no dataset covid"
    refreshed = refresh_api()
    for name in DOWNLOADS:
        refresh_report(find_report(name))
    return f"{refreshed.outcome}, {refreshed.rows} rows"


def _try_refresh(connection: Connection, now: datetime, *, force: bool) -> Refreshed:
    for _ in range(TRIES - 1):
        try:
            return _refresh(connection, now, force=force)
        except psycopg.errors.SerializationFailure:
            continue  # another refresh was quicker; there may be nothing left to do
    return _refresh(connection, now, force=force)


def _refresh(connection: Connection, now: datetime, *, force: bool) -> Refreshed:
    known = state.read_state(connection, REPORT)
    # Before the data are read: what it counts, they then hold.
    fingerprint = state.read_fingerprint(connection, SOURCES)
    stages = Lifecycle(read_definitions(connection), now).digest
    wanted = f"{fingerprint}; {stages}"
    if not force and known.definition == EDITION and known.fingerprint == wanted:
        state.store_check(connection, REPORT, datetime.now(UTC))
        return Refreshed("unchanged", known.rows, known.refreshed_at)
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        timeout = f"{settings.CONFIG.reports.statement_timeout_s}s"
        connection.execute("SELECT set_config('statement_timeout', %s, true)", [timeout])
        _claim(connection)
        state.lock_version(connection, REPORT)
        rows = Build(connection, now).write()
        written = state.Written(
            name=REPORT,
            sources=SOURCES,
            definition=EDITION,
            fingerprint=wanted,
            now=now,
            rows=rows,
            last_batch=state.read_last_batch(connection, SOURCES),
            snapshot_date=None,
            line=None,
        )
        state.store_written(connection, written)
    return Refreshed("refreshed", rows, now)


def _claim(connection: Connection) -> None:
    row = connection.execute(
        "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"rowhouse.report.{REPORT}"]
    ).fetchone()
    if not row or not row[0]:
        raise ReportBusy(report=REPORT)
