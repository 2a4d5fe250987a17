"""/status: the last build, its sources and its health."""

from uuid import UUID

import msgspec
from psycopg import Connection

from apis.covid.answers.tables import read_document
from apis.covid.fields.documents import SumCheck
from apis.covid.fields.templates import format_timestamp
from apis.covid.refresh.refresh import REPORT, SOURCES
from reports.engine.contents import find_status
from reports.engine.state import read_last_batch


class ApiStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What /status tells."""

    health: str  # ok | behind: newer rows await a build | failing | not_built
    build_time: str | None
    last_batch: UUID | None  # the last batch that is included
    rows: int  # days of states and of the nation
    open_rejections: int
    last_error: str | None
    checked_at: str | None
    sums: list[SumCheck]


def read_api_status(connection: Connection) -> ApiStatus:
    """Return the status of the API as it is now."""
    status = find_status(connection, REPORT)
    if status is None or status.refreshed_at is None:
        return ApiStatus(
            health="failing" if status and status.last_error else "not_built",
            build_time=None,
            last_batch=None,
            rows=0,
            open_rejections=status.open_rejections if status else 0,
            last_error=status.last_error if status else None,
            checked_at=None,
            sums=[],
        )
    newest = read_last_batch(connection, SOURCES)
    health = "ok" if newest == status.last_batch else "behind"
    return ApiStatus(
        health="failing" if status.last_error else health,
        build_time=format_timestamp(status.refreshed_at),
        last_batch=status.last_batch,
        rows=status.rows or 0,
        open_rejections=status.open_rejections,
        last_error=status.last_error,
        checked_at=format_timestamp(status.checked_at) if status.checked_at else None,
        sums=msgspec.json.decode(read_document(connection, "totals"), type=list[SumCheck]),
    )
