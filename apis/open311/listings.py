"""The short lists a client needs before it asks for incidents: services, statuses."""

from psycopg.sql import SQL

from apis.open311.database import Row, fetch_rows
from apis.open311.errors import ServiceUnknown
from apis.open311.sources import FOLDER, list_sources
from project.queries import read_sql


def list_services() -> list[Row]:
    """Return every service by id: the dataset's own, then those of other sources."""
    services = {
        row["id"]: row
        for row in fetch_rows(
            SQL("SELECT service_id AS id, name, type, description FROM open311.services")
        )
    }
    for source in list_sources():
        if not source.is_own:
            statement = SQL(read_sql(FOLDER / "services_of_source.sql"))
            for row in fetch_rows(statement.format(source=source.identifier)):
                services.setdefault(row["id"], row | {"type": None, "description": None})
    return [services[number] for number in sorted(services)]


def list_services_briefly() -> list[Row]:
    """Return every service with what is needed to choose one."""
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
