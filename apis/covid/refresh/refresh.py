"""The refresh of the tables the API reads, by the data that were ingested and by the clock."""

from datetime import UTC, datetime

from django.conf import settings
from psycopg import Connection

from apis.covid.fields.definitions import read_definitions
from apis.covid.fields.lifecycle import Lifecycle
from apis.covid.refresh.build import Build
from project.base.database import report_connection
from reports.engine import state
from reports.engine.refresh import Connect, Refreshable, Refreshed, open_snapshot, refresh
from reports.engine.registry import find_report
from reports.engine.report_table import refresh_report

REPORT = "covid_values"
SOURCES = tuple(
    f"covid.{table}"
    for table in (
        *("states", "states_daily", "us_daily"),
        *("population", "field_definitions", "changes"),
    )
)
DOWNLOADS = ("covid_states_daily", "covid_us_daily")
# Incremented when the program computes other rows from the same data.
EDITION = "1"


class CovidTables(Refreshable):
    """The tables the API reads; the stages of fields depend on `now`."""

    name = REPORT
    title = "covid"
    sources = SOURCES
    digest = EDITION

    def __init__(self, now: datetime) -> None:
        self._now = now

    def read_fingerprint(self, connection: Connection) -> str:
        """Return a text that changes with the data and with any field's stage."""
        stages = Lifecycle(read_definitions(connection), self._now).digest
        return f"{super().read_fingerprint(connection)}; {stages}"

    def rebuild(
        self, connection: Connection, known: state.State, fingerprint: str
    ) -> state.Written:
        """Compute and publish in one transaction."""
        with open_snapshot(connection, self.name):
            state.lock_state(connection, self.name, known.version)
            written = state.Written(
                name=self.name,
                sources=self.sources,
                definition=self.digest,
                fingerprint=fingerprint,
                refreshed_at=self._now,
                rows=Build(connection, self._now).write(),
                last_batch=state.read_last_batch(connection, self.sources),
            )
            state.store_written(connection, written)
            return written


def refresh_api(
    now: datetime | None = None, *, force: bool = False, connect: Connect = report_connection
) -> Refreshed:
    """Build what the API reads as of `now`, as `refresh` does with reports."""
    return refresh(CovidTables(now or datetime.now(UTC)), force=force, connect=connect)


def refresh_everything() -> str:
    """Refresh the API and its CSV files, as a scheduled job; say what was done."""
    if "covid" not in settings.CONFIG.datasets:
        return "there is no dataset covid"
    refreshed = refresh_api()
    for name in DOWNLOADS:
        refresh_report(find_report(name))
    return f"{refreshed.outcome}, {refreshed.rows} rows"
