"""OpenAPI paths for each exposed table, so that clients import requests that work as they are."""

import copy
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from django.conf import settings
from psycopg import Connection
from rest_framework.request import Request

from ingest.api.intake_schema import ENVELOPE, NAMED_ENVELOPE, NAMED_EXAMPLE
from ingest.api.intake_schema import ROWS as ROWS_ARRAY
from ingest.catalog.definitions import Table
from ingest.errors import TableUnknown
from ingest.reading.description import answer_schema, filter_schema, list_tables, row_schema
from ingest.reading.examples import make_example
from ingest.validation.parameter_values import is_comparable
from ingest.writing.tables import WritableTable, exposed_tables
from project.base.database import reader_connection
from project.http.access.reading import caller_of, readable_datasets
from project.http.answers import encode_json
from project.http.openapi import FILLED, NDJSON_TEXT, page_of
from project.models import Scope

INGEST = "/api/ingest/{table}"
INGEST_NAMED = "/api/ingest"
ROWS = "/api/tables/{table}/rows"

_unnameable = re.compile(r"[^A-Za-z0-9._-]")


def describe_tables(result: dict[str, Any], request: Request | None, **_: Any) -> dict[str, Any]:
    """Add the schema of each table's rows, and its paths to send and to read them (a hook).

    Without a request they are all tables, else those that its key may read or write to.
    """
    result["paths"][INGEST]["post"]["requestBody"]["required"] = True
    named = {"schema": NAMED_ENVELOPE, "examples": {"rows": {"value": NAMED_EXAMPLE}}}
    result["paths"][INGEST_NAMED]["post"]["requestBody"] = {
        "required": True,
        "content": {"application/json": named},
    }
    connection = reader_connection()
    for known in _known_tables(connection, _described_datasets(request)):
        table = known.table
        component = _unnameable.sub("_", table.full_name)
        schemas = result.setdefault("components", {}).setdefault("schemas", {})
        schemas[component] = row_schema(table)
        reference = {"$ref": f"#/components/schemas/{component}"}
        example = make_example(connection, known)
        paths = result["paths"]
        name = quote(table.full_name, safe="")
        paths[f"/api/ingest/{name}"] = {
            "post": _ingest_operation(paths[INGEST]["post"], table, reference, example)
        }
        paths[f"/api/tables/{name}/rows"] = {"get": _rows_operation(paths[ROWS]["get"], table)}
    return result


def _described_datasets(request: Request | None) -> list[str]:
    key = caller_of(request) if request is not None else None
    if request is None or (key is not None and key.may(Scope.INGEST)):
        return list(settings.CONFIG.datasets)
    return readable_datasets(key)


def _known_tables(connection: Connection, datasets: list[str]) -> Iterator[WritableTable]:
    for summary in list_tables(connection, datasets):
        try:
            yield exposed_tables().find_current(connection, summary.table)
        except TableUnknown:  # dropped in the meantime
            continue


def _ingest_operation(
    generic: dict[str, Any], table: Table, row: dict[str, Any], example: dict[str, Any]
) -> dict[str, Any]:
    operation = _operation(generic, table, f"Send rows to {table.full_name}")
    array = {**ROWS_ARRAY, "items": row}
    envelope = {**ENVELOPE, "properties": {"table": {"const": table.full_name}, "rows": array}}
    text = encode_json(example).decode()
    operation["requestBody"] = {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"oneOf": [array, envelope]},
                "examples": {"rows": {"value": [example]}},
            },
            "application/x-ndjson": {
                "schema": NDJSON_TEXT | FILLED,
                "examples": {"rows": {"value": f"{text}\n"}},
            },
        },
    }
    return operation


def _rows_operation(generic: dict[str, Any], table: Table) -> dict[str, Any]:
    operation = _operation(generic, table, f"Read rows of {table.full_name}")
    taken = {each["name"] for each in operation["parameters"]}
    operation["parameters"] += [
        {
            "name": column.name,
            "in": "query",
            "description": f"Only rows with this {column.name}",
            "schema": filter_schema(column),
        }
        for column in table.columns
        if is_comparable(column) and column.name not in taken
    ]
    properties = {column.name: answer_schema(column) for column in table.columns}
    schema = {"type": "object", "properties": properties}
    operation["responses"]["200"]["content"]["application/json"]["schema"] = page_of(schema)
    return operation


def _operation(generic: dict[str, Any], table: Table, summary: str) -> dict[str, Any]:
    """Return the generic operation as that of one table, whose name is no parameter any more."""
    operation = copy.deepcopy(generic)
    operation["operationId"] += f"_{_unnameable.sub('_', table.full_name)}"
    operation["summary"] = summary
    operation["tags"] = [table.schema]
    if table.comment:
        operation["description"] = f"{table.comment}.\n\n{operation['description']}"
    operation["parameters"] = [
        each for each in operation.get("parameters", []) if each["in"] != "path"
    ]
    return operation
