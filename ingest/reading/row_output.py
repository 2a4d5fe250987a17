"""How a table's values are written out: as JSON and as CSV that may be ingested again."""

from collections.abc import Iterable
from typing import Any, cast

import msgspec
from psycopg.sql import SQL, Composable, Composed, Identifier

from ingest.catalog.definitions import Column
from ingest.reading.keyset import ROW
from ingest.validation.parameter_values import MAX_DEPTH
from ingest.validation.values import adapter_for

_NULL = SQL("NULL")


def json_row(columns: Iterable[Column], *, computed: bool = True) -> Composed:
    """Return the expression of a row as JSON text; numbers keep their digits.

    Where not `computed` virtual columns are null.
    """
    values = SQL(", ").join(
        SQL("{} AS {}").format(
            _json_value(column) if computed or not column.virtual else _NULL,
            Identifier(column.name),
        )
        for column in columns
    )
    return SQL("(SELECT row_to_json(written) FROM (SELECT {}) AS written)::text").format(values)


def csv_fields(columns: Iterable[Column], *, computed: bool = True) -> list[Composable]:
    """Return the expressions of a row's values as text; virtual ones as in `json_row`."""
    return [_csv_field(column) if computed or not column.virtual else _NULL for column in columns]


def _json_value(column: Column) -> Composable:
    name = _name(column)
    if column.base == "bytea":
        return _base64(name)
    if column.kind == "array":
        return name if _is_plain(_element(column)) else SQL("{}::text[]").format(name)
    return name if _is_plain(column) else SQL("{}::text").format(name)


def _csv_field(column: Column) -> Composed:
    name = _name(column)
    if column.base == "bytea":
        return _base64(name)
    if column.base in {"date", "timestamp", "timestamptz"}:
        return SQL("(to_json({}) #>> '{{}}')").format(name)
    return SQL("{}::text").format(name)


def _name(column: Column) -> Composed:
    return SQL("{}.{}").format(ROW, Identifier(column.name))


def _base64(name: Composable) -> Composed:
    # PostgreSQL breaks the lines of base64 as mail does.
    return SQL("translate(encode({}, 'base64'), E'\\n', '')").format(name)


def _is_plain(column: Column) -> bool:
    """Return whether JSON has a form of its own for the type; any other is written as text."""
    return adapter_for(column, max_depth=MAX_DEPTH).exact


def _element(column: Column) -> Column:
    return msgspec.structs.replace(column, kind=cast("Any", column.element_kind))
