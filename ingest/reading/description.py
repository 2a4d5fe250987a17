"""A table as the API describes it: columns, keys, rules, the JSON Schema of a row, an example."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import msgspec
from psycopg import Connection

from ingest.catalog.definitions import FOLDER, Column, Table
from ingest.reading.examples import make_example
from ingest.reading.order import OrderDescription, describe_order
from ingest.validation.parameter_values import MAX_DEPTH, is_comparable
from ingest.validation.values import adapter_for
from ingest.writing.tables import WritableTable
from project.base.sql_files import read_sql


class TableSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A table in a list; `estimated_rows` is PostgreSQL's guess, null before it has one."""

    table: str
    comment: str | None
    estimated_rows: int | None
    links: dict[str, str]


class ColumnDescription(msgspec.Struct, frozen=True, kw_only=True):
    """A column; `read_only` ones are set by the database and rejected in rows."""

    name: str
    type: str
    comment: str | None
    required: bool
    nullable: bool
    read_only: bool
    default: str | None
    generated: str | None
    max_length: int | None
    labels: Sequence[str] | None
    filterable: bool


class KeyDescription(msgspec.Struct, frozen=True, kw_only=True):
    """A primary key or a unique key, to be named as `conflict_key`."""

    name: str
    columns: Sequence[str]
    primary: bool
    where: str | None


class ReferenceDescription(msgspec.Struct, frozen=True, kw_only=True):
    """A foreign key."""

    name: str
    columns: Sequence[str]
    table: str
    referenced: Sequence[str]


class RuleDescription(msgspec.Struct, frozen=True, kw_only=True):
    """A check that rows must pass, in SQL."""

    name: str
    columns: Sequence[str]
    expression: str


class TableDescription(msgspec.Struct, frozen=True, kw_only=True):
    """A table that takes rows; `schema` is the JSON Schema (2020-12) of a row to send."""

    table: str
    comment: str | None
    columns: Sequence[ColumnDescription]
    keys: Sequence[KeyDescription]
    foreign_keys: Sequence[ReferenceDescription]
    checks: Sequence[RuleDescription]
    order: OrderDescription
    schema: dict[str, Any]
    example: Sequence[dict[str, Any]]
    links: dict[str, str]


def list_tables(connection: Connection, schemas: list[str]) -> list[TableSummary]:
    """Return every exposed table, ordered by its full name."""
    found = connection.execute(read_sql(FOLDER / "tables_named.sql"), {"schemas": schemas})
    return [
        TableSummary(
            table=f"{schema}.{name}",
            comment=comment,
            estimated_rows=rows,
            links=links_of(f"{schema}.{name}"),
        )
        for schema, name, comment, rows in found
    ]


def describe_table(connection: Connection, known: WritableTable) -> TableDescription:
    """Return what a client must know to send the table's rows and to read them."""
    table = known.table
    return TableDescription(
        table=table.full_name,
        comment=table.comment,
        columns=[_describe_column(column) for column in table.columns],
        keys=[
            KeyDescription(
                name=key.name, columns=key.columns, primary=key.primary, where=key.predicate
            )
            for key in table.unique_keys
        ],
        foreign_keys=[
            ReferenceDescription(
                name=key.name,
                columns=key.columns,
                table=f"{key.schema}.{key.table}",
                referenced=key.referenced,
            )
            for key in table.foreign_keys
        ],
        checks=_describe_rules(table),
        order=describe_order(table),
        schema=row_schema(table),
        example=[make_example(connection, known)],
        links=links_of(table.full_name),
    )


def row_schema(table: Table) -> dict[str, Any]:
    """Return the JSON Schema of a row to send.

    It promises no more than it can say: keys, checks and references are judged by the database,
    and numbers written as strings, which are taken too, are left out.
    """
    return {
        "type": "object",
        **({"description": table.comment} if table.comment else {}),
        "properties": {column.name: column_schema(column) for column in table.writable},
        "required": [column.name for column in table.writable if column.required],
        "additionalProperties": False,
    }


def column_schema(column: Column) -> dict[str, Any]:
    """Return the JSON Schema of a column's values."""
    schema = dict(adapter_for(column, max_depth=MAX_DEPTH).schema)
    if not column.not_null and "type" in schema:
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    if column.comment:
        schema["description"] = column.comment
    return schema


def filter_schema(column: Column) -> dict[str, Any]:
    """Return the JSON Schema of a value that a column is compared with: never null, maybe empty."""
    schema = dict(adapter_for(column, max_depth=MAX_DEPTH).schema)
    return _without_required(schema)


def _without_required(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema without what only values that are sent have to be: not empty."""
    return {name: rule for name, rule in schema.items() if name not in {"minLength", "pattern"}}


def answer_schema(column: Column) -> dict[str, Any]:
    """Return the JSON Schema of a stored value, which SQL may have put there: "" or 6:14+00."""
    schema = _without_required(column_schema(column))
    if schema.get("format") in {"time", "duration"}:  # PostgreSQL writes them its own way
        del schema["format"]
    return schema


def links_of(full_name: str) -> dict[str, str]:
    """Return the addresses of what can be done with a table."""
    name = quote(full_name, safe="")
    return {
        "self": f"/api/tables/{name}",
        "rows": f"/api/tables/{name}/rows",
        "ingest": f"/api/ingest/{name}",
    }


def _describe_column(column: Column) -> ColumnDescription:
    return ColumnDescription(
        name=column.name,
        type=column.type,
        comment=column.comment,
        required=column.required,
        nullable=not column.not_null,
        read_only=column.read_only,
        default=column.default or column.domain_default,
        generated=column.generated,
        max_length=column.max_length,
        labels=column.labels,
        filterable=is_comparable(column),
    )


def _describe_rules(table: Table) -> list[RuleDescription]:
    checks = [(check.columns, check) for check in table.checks]
    for column in table.columns:
        checks += [((column.name,), check) for check in column.domain_checks or ()]
    return [
        RuleDescription(name=check.name, columns=columns, expression=check.expression)
        for columns, check in checks
    ]
