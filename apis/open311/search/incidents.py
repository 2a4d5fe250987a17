"""Reads of incidents: searches, one incident with its notes, its history."""

from collections.abc import Callable
from itertools import starmap
from operator import itemgetter
from typing import Any

import msgspec
from psycopg.sql import SQL

from apis.open311.answers.pages import Listing, Page, cut_page
from apis.open311.errors import IncidentUnknown
from apis.open311.search.database import Row, fetch_prepared, fetch_rows
from apis.open311.search.sources import FOLDER, REPORTER, RESERVED, Source, list_sources
from apis.open311.search.statements import (
    Conditions,
    build_conditions,
    is_service_search,
    write_statement,
)
from project.base.sql_files import read_sql

# OpenStreetMap's tags for what goes beyond the reserved keys (api.md, "Incidents").
_TAGS = {"address": "addr:full", "zip": "addr:postcode"}

# A page's incidents: structs take a sixth of the time that dictionaries take.
_Incident: Callable[..., msgspec.Struct] = msgspec.defstruct(
    "Incident", [(name, Any) for name in RESERVED], gc=False
)
_take_reserved = itemgetter(slice(len(RESERVED)))


def search_incidents(
    values: dict[str, Any], page: Page, *, reporter: str | None, exact_total: int
) -> Listing:
    """Return a page of the incidents that meet all criteria, latest first.

    The total is counted up to `exact_total`; a larger one is the planner's estimate.
    """
    conditions = build_conditions(values, reporter)
    conditions.parameters |= {
        "size": page.size,
        "offset": page.offset,
        "most": exact_total + 1,
    }
    if is_service_search(values):
        listing = _read_service_page(conditions, page, exact_total)
        if listing is not None:
            return listing
    rows = fetch_rows(write_statement("page", conditions), conditions.parameters)
    if len(rows) < page.size and (rows or not page.offset):
        return Listing("incidents", rows, page.offset + len(rows), page)
    total, is_estimate = _count(conditions, exact_total)
    return Listing("incidents", rows, total, page, is_estimate)


def read_incident(incident_id: int) -> Row:
    """Return everything that is published about an incident; raise `IncidentUnknown`."""
    source, row = _find(incident_id)
    incident = {name: row.pop(name) for name in RESERVED}
    row.pop(REPORTER, None)
    incident["status_name"] = _status_name(incident["status_id"])
    incident |= {_TAGS.get(name, name): value for name, value in row.items() if value is not None}
    incident["notes"] = _read(source, "notes.sql", incident_id)
    return incident


def read_reserved(incident_id: int) -> Row:
    """Return an incident's reserved keys; raise `IncidentUnknown`."""
    _, row = _find(incident_id)
    return {name: row[name] for name in RESERVED}


def read_history(incident_id: int, page: Page) -> Listing:
    """Return a page of an incident's changes and public notes; raise `IncidentUnknown`."""
    source, row = _find(incident_id)
    events = _read(source, "history.sql", incident_id)
    if not source.is_own:
        # Of other datasets' incidents only the current status is known.
        events = [
            {"date": row["modified"], "type": "status", "status_id": row["status_id"], "note": None}
        ]
    return cut_page("history", events, page)


def read_note(note_id: int) -> Row:
    """Return a note that was just added, public or not."""
    row = fetch_rows(SQL(read_sql(FOLDER / "note.sql")), {"note_id": note_id})[0]
    return row | {"public": int(row["public"])}


def _find(incident_id: int) -> tuple[Source, Row]:
    for source in list_sources():
        statement = SQL("SELECT * FROM {} WHERE id = %(id)s").format(source.identifier)
        rows = fetch_rows(statement, {"id": incident_id})
        if rows:
            return source, rows[0]
    raise IncidentUnknown(incident_id=incident_id)


def _read(source: Source, file: str, incident_id: int) -> list[Row]:
    if not source.is_own:
        return []
    return fetch_rows(SQL(read_sql(FOLDER / file)), {"incident_id": incident_id})


def _status_name(status_id: int) -> str | None:
    statement = SQL("SELECT name FROM open311.statuses WHERE status_id = %(status_id)s")
    rows = fetch_rows(statement, {"status_id": status_id})
    return rows[0]["name"] if rows else None


def _read_service_page(conditions: Conditions, page: Page, exact_total: int) -> Listing | None:
    """Return a page of a service's incidents; None where the rows do not tell the total."""
    rows = fetch_prepared(write_statement("service_page", conditions), conditions.parameters)
    total = rows[0][-1] if rows else 0
    if total > exact_total or (page.offset and not rows):
        return None
    # The total, which is each row's last column, has no name here.
    incidents = starmap(_Incident, map(_take_reserved, rows))
    return Listing("incidents", tuple(incidents), total, page)


def _count(conditions: Conditions, exact_total: int) -> tuple[int, bool]:
    """Return how many incidents there are, and whether that is an estimate."""
    rows = fetch_rows(write_statement("total", conditions), conditions.parameters)
    total: int = rows[0]["total"]
    if total <= exact_total:
        return total, False
    plan = fetch_rows(write_statement("estimate", conditions), conditions.parameters)
    return max(total, _rows_of_plan(plan[0]["QUERY PLAN"])), True


def _rows_of_plan(plan: Any) -> int:
    # Django's connections give JSON as text.
    decoded = msgspec.json.decode(plan) if isinstance(plan, str) else plan
    return int(decoded[0]["Plan"]["Plan Rows"])
