"""Example rows for the documentation, made from a table's types, names and rules."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, cast

import msgspec
import psycopg
from psycopg import Connection

from ingest.catalog.definitions import Column
from ingest.writing.constraints.rules import INSERTS, Rule
from ingest.writing.tables import WritableTable

# How many values are tried for a broken check before it is left broken.
TRIES = 50

_literals = re.compile(r"'((?:[^']|'')*)'|(?<![\w.'])(-?\d+(?:\.\d+)?)(?![\w.])")
_encode = msgspec.json.Encoder().encode

_NUMBERS = frozenset({"int2", "int4", "int8", "float4", "float8", "numeric"})

_BY_TYPE: dict[str, Any] = {
    **dict.fromkeys(("int2", "int4", "int8"), 1),
    **dict.fromkeys(("float4", "float8"), 1.5),
    "bool": True,
    "date": "2021-07-27",
    "time": "16:02:08",
    "timetz": "16:02:08Z",
    "timestamp": "2021-07-27T16:02:08",
    "timestamptz": "2021-07-27T16:02:08Z",
    "interval": "P1DT2H30M",
    "uuid": "0190f2c4-7e5a-7c3e-9d7b-2f6a1c0b4e11",
    "json": {"key": "value"},
    "jsonb": {"key": "value"},
    "bytea": "aGVsbG8=",
    "inet": "192.0.2.1",
    "cidr": "192.0.2.0/24",
    "macaddr": "08:00:2b:01:02:03",
    "macaddr8": "08:00:2b:01:02:03:04:05",
    **dict.fromkeys(("int4range", "int8range", "numrange"), "[1,10)"),
    **dict.fromkeys(("int4multirange", "int8multirange", "nummultirange"), "{[1,10)}"),
    "daterange": "[2021-07-01,2021-08-01)",
    "tsrange": "[2021-07-01 00:00:00,2021-08-01 00:00:00)",
    "tstzrange": "[2021-07-01 00:00:00+00,2021-08-01 00:00:00+00)",
    "point": "(1,2)",
    "line": "{1,2,3}",
    "lseg": "[(1,2),(3,4)]",
    "box": "(3,4),(1,2)",
    "path": "[(1,2),(3,4)]",
    "polygon": "((1,2),(3,4),(5,6))",
    "circle": "<(1,2),3>",
    "tsvector": "'word':1",
    "tsquery": "'word'",
    "xml": "<element/>",
    "money": "1.50",
    "oid": "1",
}


def make_example(connection: Connection, known: WritableTable) -> dict[str, Any]:
    """Return a row that the table's types and checks let pass, as far as one is found.

    What it refers to in other tables need not be there.
    """
    row = {
        column.name: value
        for column in known.table.writable
        if not column.identity
        for value in [example_value(column)]
        if value is not None or column.required
    }
    for rule in _find_broken(connection, known, row):
        for candidate in islice(_vary(known, row, rule), TRIES):
            if rule not in _find_broken(connection, known, candidate):
                row = candidate
                break
    return row


def example_value(column: Column) -> Any:
    """Return a value of the column's type; None where none is known."""
    kind, base = column.kind, column.base
    if kind == "array":
        element = msgspec.structs.replace(
            column, kind=cast("Any", column.element_kind), base=str(column.element)
        )
        value = example_value(element)
        return [] if value is None else [value]
    if kind == "enum":
        return (column.labels or (None,))[0]
    if kind == "text":
        words = column.name.replace("_", " ").strip().capitalize() or "Text"
        return words[: column.max_length]
    if base == "numeric":
        precision, scale = column.precision_scale or (10, 2)
        return 1 if scale <= 0 else 1.5 if precision > scale else 0.5
    if base in {"bit", "varbit"}:
        return "1" * max(column.type_mod, 1)
    return _BY_TYPE.get(base)


def _find_broken(connection: Connection, known: WritableTable, row: dict[str, Any]) -> list[Rule]:
    """Return the checks that the row breaks; none where the database cannot say."""
    array = _encode([row]).decode()
    try:
        violations = known.compiled.writer.checks.find_violations(
            connection, array, INSERTS, fill=True
        )
    except psycopg.Error:
        return []
    return [each.rule for each in violations if each.rule.error.code == "check_violation"]


def _vary(known: WritableTable, row: dict[str, Any], rule: Rule) -> Iterator[dict[str, Any]]:
    """Yield the row with values in the columns of a broken check that the check speaks of."""
    for name in rule.columns:
        for value in _values_in(rule.error.message, known.table.by_name[name]):
            if name in row:
                yield row | {name: value}


def _values_in(expression: str, column: Column) -> Iterator[Any]:
    for text, number in _literals.findall(expression):
        if column.kind == "text" and not number:
            yield text.replace("''", "'")[: column.max_length]
        elif number and column.base in _NUMBERS:
            value = float(number) if "." in number else int(number)
            yield from (value, value + 1, value - 1)
    if column.kind == "text":
        yield from ("x", "")
