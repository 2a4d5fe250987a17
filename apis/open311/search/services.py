"""Services and statuses, which a client lists before it searches for incidents."""

import time

from psycopg.sql import SQL

from apis.open311.errors import ServiceUnknown
from apis.open311.search.database import Row, fetch_rows
from apis.open311.search.sources import CACHED_S, FOLDER, Source, clear_sources_cache, list_sources
from project.base.sql_files import read_sql

# By the view they come from, with the time when the entry expires.
_cached: dict[str, tuple[float, list[Row]]] = {}


def list_services() -> list[Row]:
    """Return every service by id: the dataset's own, then those of other sources.

    A new one of another source is noticed after `CACHED_S`.
    """
    services = {
        row["id"]: row
        for row in fetch_rows(
            SQL("SELECT service_id AS id, name, type, description FROM open311.services")
        )
    }
    for source in list_sources():
        if not source.is_own:
            for row in _services_of(source):
                services.setdefault(row["id"], row)
    return [services[number] for number in sorted(services)]


def _services_of(source: Source) -> list[Row]:
    now = time.monotonic()
    until, services = _cached.get(source.view, (0.0, []))
    if until < now:
        statement = SQL(read_sql(FOLDER / "services_of_source.sql"))
        found = fetch_rows(statement.format(source=source.identifier))
        services = [row | {"type": None, "description": None} for row in found]
        _cached[source.view] = now + CACHED_S, services
    return services


def clear_services_cache() -> None:
    """Have the next call look up the views and their services again."""
    clear_sources_cache()
    _cached.clear()


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
