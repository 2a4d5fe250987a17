"""Services and statuses, which a client lists before it searches for incidents."""

from functools import lru_cache

from psycopg.sql import SQL

from apis.open311.errors import ServiceUnknown
from apis.open311.search.database import Row, fetch_rows
from apis.open311.search.sources import (
    FOLDER,
    Source,
    clear_sources_cache,
    count_periods,
    list_sources,
)
from project.base.sql_files import read_sql


def list_services() -> list[Row]:
    """Return every service by id: the dataset's own, then those of other sources.

    A new one of another source is noticed within `CACHED_S`.
    """
    services = {
        row["id"]: row
        for row in fetch_rows(
            SQL("SELECT service_id AS id, name, type, description FROM open311.services")
        )
    }
    for source in list_sources():
        if not source.is_own:
            for row in _services_of(source, count_periods()):
                services.setdefault(row["id"], row)
    return [services[number] for number in sorted(services)]


@lru_cache(maxsize=64)
def _services_of(source: Source, period: int) -> list[Row]:
    statement = SQL(read_sql(FOLDER / "services_of_source.sql"))
    found = fetch_rows(statement.format(source=source.identifier))
    return [row | {"type": None, "description": None} for row in found]


def clear_services_cache() -> None:
    """Have the next call look up the views and their services again."""
    clear_sources_cache()
    _services_of.cache_clear()


def list_services_briefly() -> list[Row]:
    """Return every service without its description."""
    return [{name: row[name] for name in ("id", "name", "type")} for row in list_services()]


def read_service(service_id: int) -> Row:
    """Return a service with its description; raise `ServiceUnknown`."""
    for row in list_services():
        if row["id"] == service_id:
            return row
    raise ServiceUnknown(service_id=service_id)


def list_statuses() -> list[Row]:
    """Return every status by id."""
    return fetch_rows(SQL("SELECT status_id AS id, name FROM open311.statuses ORDER BY status_id"))
