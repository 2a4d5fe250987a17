"""A report's table as a refresh rebuilds it: readers see the old table or the new one, complete."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from psycopg import Connection

from project.base.database import report_connection
from reports.engine import state, tables
from reports.engine.computation import Computed, compute_report
from reports.engine.definition import Definition
from reports.engine.refresh import Connect, Refreshable, Refreshed, limit_statements, refresh
from reports.engine.state import State, Written

NEXT_SUFFIX = "__next"


def refresh_report(
    definition: Definition,
    *,
    force: bool = False,
    connect: Connect = report_connection,
    today: date | None = None,
) -> Refreshed:
    """Refresh the report's table as `refresh` does; `today` is the day of a daily snapshot."""
    zone = ZoneInfo(settings.CONFIG.schedules.time_zone)
    table = ReportTable(definition, today or datetime.now(zone).date())
    return refresh(table, force=force, connect=connect)


class ReportTable(Refreshable):
    """The table of a report, with the history of one that keeps a snapshot each day."""

    def __init__(self, definition: Definition, today: date) -> None:
        self.name = self.title = definition.name
        self.sources = definition.header.sources
        self.digest = definition.digest
        self._definition = definition
        self._snapshot_date = today if definition.header.snapshot == "daily" else None
        self._patience_s = settings.CONFIG.reports.swap_patience_s

    def is_stale(self, known: State) -> bool:
        """Return whether the table or the day's snapshot is missing, or every refresh rebuilds."""
        return (
            not known.table_exists
            or self._definition.header.refresh == "always"
            or self._snapshot_date not in (None, known.snapshot_date)
        )

    def rebuild(self, connection: Connection, known: State, fingerprint: str) -> Written:
        """Compute the rows in one transaction, publish them in another."""
        with compute_report(connection, self._definition) as computed:
            if self._snapshot_date is not None:
                tables.prepare_history(
                    connection, self._definition, computed.columns, patience_s=self._patience_s
                )
            with connection.transaction():
                limit_statements(connection)
                state.lock_state(connection, self.name, known.version)
                return self._publish(connection, known, fingerprint, computed)

    def _publish(
        self, connection: Connection, known: State, fingerprint: str, computed: Computed
    ) -> Written:
        existing = tables.read_columns(connection, self.name)
        is_altered = existing != computed.columns
        name = self.name + NEXT_SUFFIX if existing and is_altered else self.name
        if is_altered:
            rows = tables.create_table(connection, name, computed.columns, computed.spool)
        else:
            rows = tables.replace_rows(connection, name, computed.spool)
        if is_altered or known.definition != self.digest:
            columns = self._definition.header.columns
            tables.comment_table(connection, name, self._definition, columns)
        if self._snapshot_date is not None:
            tables.keep_snapshot(connection, self.name, name, computed.columns, self._snapshot_date)
        written = Written(
            name=self.name,
            sources=self.sources,
            definition=self.digest,
            fingerprint=fingerprint,
            refreshed_at=computed.now,
            rows=rows,
            last_batch=computed.last_batch,
            snapshot_date=self._snapshot_date,
            line=computed.line,
        )
        state.store_written(connection, written)
        if name != self.name:
            tables.swap_table(connection, self.name, name, patience_s=self._patience_s)
        return written
