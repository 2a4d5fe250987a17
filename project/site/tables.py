"""/tables/ and /tables/{table}: what each table takes, how to send it, and its latest rows."""

from typing import Any

import msgspec
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from psycopg import Connection

from ingest.api.permission import datasets_of_table
from ingest.catalog.definitions import Table
from ingest.reading.description import describe_table
from ingest.reading.keyset import find_row_key
from ingest.reading.rows import read_page
from ingest.reading.selection import read_selection
from ingest.writing.tables import exposed_tables
from project.base.database import reader_connection
from project.http.access.reading import public_datasets, readable_datasets
from project.http.access.sessions import find_caller
from project.http.people.pages import page
from project.models import Scope
from project.site.overview import read_tables
from project.site.snippets import write_json, write_snippets

SHOWN_ROWS = 10
SHOWN_CHARACTERS = 120


@page(Scope.READ, public_datasets)
def list_tables(request: HttpRequest) -> HttpResponseBase:
    """Show every table that the reader may see."""
    tables = read_tables(reader_connection(), readable_datasets(find_caller(request)))
    return render(request, "site/tables.html", {"tables": tables})


@page(Scope.READ, datasets_of_table)
def show_table(request: HttpRequest, table: str) -> HttpResponseBase:
    """Show one table."""
    connection = reader_connection()
    known = exposed_tables().find_current(connection, table)
    described = describe_table(connection, known)
    address = request.build_absolute_uri(described.links["ingest"])
    return render(
        request,
        "site/table.html",
        {
            "table": described,
            "example": write_json(described.example),
            "snippets": write_snippets(described.table, address, described.example),
            "latest": _read_latest(connection, known.table),
        },
    )


def _read_latest(connection: Connection, table: Table) -> dict[str, Any] | None:
    """Return the last rows in the order of the table's key; None without one.

    Without an index on the order all rows would have to be read.
    """
    key = find_row_key(table)
    if key is None:
        return None
    selection = read_selection(table, {})
    rows = read_page(connection, table, selection, limit=SHOWN_ROWS, backwards=True)
    records = [msgspec.json.decode(text, type=dict[str, Any]) for text, _ in rows]
    return {
        "key": ", ".join(key.columns),
        "columns": [column.name for column in table.columns],
        "rows": [[_show(record[column.name]) for column in table.columns] for record in records],
    }


def _show(value: Any) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]} …"
