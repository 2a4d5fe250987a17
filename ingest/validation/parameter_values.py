"""Values of columns that stand as text in an address: in filters and in a row's key."""

import base64
import csv

from ingest.catalog.definitions import Column
from ingest.validation.values import adapter_for
from ingest.validation.values.adapter import Fault
from project.base.errors import BadParameter

# How deep values in addresses and descriptions may be nested: as deep as any limit of bodies.
MAX_DEPTH = 200


_WITHOUT_ORDER = frozenset({"json", "jsonb", "xml", "point", "line", "polygon", "path", "box"})


def is_comparable(column: Column) -> bool:
    """Return whether rows can be selected and ordered by the column's values."""
    return column.kind in {"base", "text", "enum"} and column.base not in _WITHOUT_ORDER


def parse_value(column: Column, text: str, parameter: str) -> str:
    """Return a value in PostgreSQL's input format; raise `BadParameter` for one of another type."""
    adapter = adapter_for(column, max_depth=MAX_DEPTH)
    read = adapter.read_field(text) if adapter.read_field else text
    checked = read if isinstance(read, Fault) else adapter.check(read)
    if isinstance(checked, Fault):
        raise BadParameter(f"{parameter}: {checked.message}", parameter=parameter)
    if isinstance(checked, bool):
        return "true" if checked else "false"
    if column.base == "bytea":
        # Base64 is decoded by the statements that write it; this is PostgreSQL's own form.
        return "\\x" + base64.b64decode(str(checked)).hex()
    return str(checked)


def split_list(text: str, parameter: str) -> list[str]:
    """Return the values of a comma-separated list; one with a comma stands in double quotes."""
    try:
        return next(csv.reader([text], strict=True), [])
    except csv.Error as error:
        raise BadParameter(f"{parameter} is no list: {error}", parameter=parameter) from error
