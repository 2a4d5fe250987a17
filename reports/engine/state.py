"""The rows of service.report and service.report_run: a table's state, and each refresh."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from uuid import UUID

from psycopg import Connection

from project.base.sql_files import read_sql

FOLDER = Path(__file__).parent / "sql"

FINGERPRINT = read_sql(FOLDER / "fingerprint.sql")
LAST_BATCH = read_sql(FOLDER / "last_batch.sql")
READ_STATE = read_sql(FOLDER / "read_state.sql")
STORE_FAILURE = read_sql(FOLDER / "store_failure.sql")
STORE_RUN = read_sql(FOLDER / "store_run.sql")
STORE_STATE = read_sql(FOLDER / "store_state.sql")


class Overtaken(Exception):
    """Another process wrote the table since its state was read."""


@dataclass(frozen=True, slots=True)
class State:
    """The table as it was last written."""

    version: int
    definition: str | None
    fingerprint: str | None
    snapshot_date: date | None
    rows: int | None
    last_batch: UUID | None
    refreshed_at: datetime | None
    table_exists: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What is recorded of a refresh, with the table it wrote."""

    name: str
    sources: Sequence[str]
    definition: str
    fingerprint: str
    refreshed_at: datetime
    rows: int
    last_batch: UUID | None
    snapshot_date: date | None = None
    line: float | None = None


def read_fingerprint(connection: Connection, sources: Sequence[str]) -> str:
    """Return a text that changes when the source tables change (see fingerprint.sql)."""
    row = connection.execute(FINGERPRINT, {"sources": list(sources)}).fetchone()
    return str(row[0]) if row else ""


def read_last_batch(connection: Connection, sources: Sequence[str]) -> UUID | None:
    """Return the last batch of the sources that is visible to the current snapshot."""
    row = connection.execute(LAST_BATCH, {"sources": list(sources)}).fetchone()
    return row[0] if row else None


def read_state(connection: Connection, name: str) -> State:
    """Return the report's state; insert an empty one for a new report."""
    connection.execute(
        "INSERT INTO service.report (name) VALUES (%s) ON CONFLICT DO NOTHING", [name]
    )
    row = connection.execute(READ_STATE, {"name": name}).fetchone()
    if row is None:
        raise LookupError(f"service.report lost {name}")
    return State(*row)


def lock_state(connection: Connection, name: str, version: int) -> None:
    """Lock the report's state until the transaction ends; raise `Overtaken` for another version."""
    query = "SELECT version FROM service.report WHERE name = %s FOR UPDATE"
    row = connection.execute(query, [name]).fetchone()
    if row is None or row[0] != version:
        raise Overtaken


def store_written(connection: Connection, written: Written) -> None:
    """Record a written table, in the transaction that wrote it."""
    fields = {field: getattr(written, field) for field in written.__slots__}
    connection.execute(STORE_STATE, fields | {"sources": list(written.sources)})


def store_check(connection: Connection, name: str, now: datetime) -> None:
    """Record that the table is up to date as it is."""
    connection.execute(
        "UPDATE service.report SET checked_at = %s, failed_at = NULL, last_error = NULL"
        " WHERE name = %s",
        [now, name],
    )


def store_run(
    connection: Connection,
    report: str,
    *,
    started_at: datetime,
    duration_ms: float,
    rows: int | None = None,
    last_batch: UUID | None = None,
    error: str | None = None,
) -> None:
    """Record a refresh that was done, or failed for the reason `error`."""
    connection.execute(
        STORE_RUN,
        {
            "report": report,
            "started_at": started_at,
            "duration_ms": duration_ms,
            "outcome": "refreshed" if error is None else "failed",
            "rows": rows,
            "last_batch": last_batch,
            "error": error,
        },
    )


def store_failure(
    connection: Connection, name: str, sources: Sequence[str], now: datetime, error: str
) -> None:
    """Record why the table could not be refreshed."""
    connection.execute(
        STORE_FAILURE, {"name": name, "sources": list(sources), "now": now, "error": error}
    )
