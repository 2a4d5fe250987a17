"""Vehicle states as intervals: `reports.vehicle_state_intervals`, refreshed incrementally."""

from psycopg import Connection

from project.base.database import reader_connection
from reports.engine.refresh import limit_statements

TABLE = "reports.vehicle_state_intervals"


def refresh_state_intervals(connection: Connection) -> int:
    """Bring the intervals up to date with mds.vehicle_events; return how many were written.

    Only vehicles whose events changed since the last refresh are computed, each from the event
    before its first change. Everything is computed anew after a table was restored or truncated,
    and where the dataset's triggers are missing.
    """
    row = connection.execute("SELECT service.refresh_state_intervals()").fetchone()
    return int(row[0]) if row else 0


def refresh() -> str:
    """Refresh as a scheduled job, which may take as long as a report; say what was done."""
    connection = reader_connection()
    with connection.transaction():
        limit_statements(connection)
        return f"{refresh_state_intervals(connection)} intervals written"
