"""Which rows of a table are asked for, and in which order: query parameters judged by its columns.

Pure: values are judged by the same adapters as ingested ones, so that PostgreSQL is asked nothing
it would have to guess about.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ingest.catalog.definitions import Column, Table
from ingest.validation.parameter_values import is_comparable, parse_value, split_list
from project.base.errors import BadParameter

COMPARISONS = {"eq": "=", "ne": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
OPERATORS = frozenset({*COMPARISONS, "in", "isnull"})
RESERVED = frozenset({"columns", "order", "cursor", "limit", "format", "safe", "null"})


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition on a column; `values` are texts in PostgreSQL's input format."""

    column: Column
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Term:
    """One column of an order."""

    column: Column
    descending: bool


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows that are asked for, and what of them."""

    columns: tuple[Column, ...]
    filters: tuple[Filter, ...]
    order: tuple[Term, ...]


def read_selection(
    table: Table, query: Mapping[str, Iterable[str]], *, order: str = "", columns: str | None = None
) -> Selection:
    """Return what the filters (all values of each), order and column list say of the table.

    Raises `BadParameter` for a column, operator or value the table does not have.
    """
    filters = [
        _read_filter(table, name, value)
        for name, values in query.items()
        if name not in RESERVED
        for value in values
    ]
    return Selection(_read_columns(table, columns), tuple(filters), _read_order(table, order))


def _read_filter(table: Table, parameter: str, text: str) -> Filter:
    column, operator = _find_column(table, parameter)
    if operator == "isnull":
        if text not in {"true", "false"}:
            raise BadParameter(f"{parameter} must be true or false", parameter=parameter)
        return Filter(column, operator, (text,))
    if not is_comparable(column):
        raise BadParameter(
            f"{column.name} is {column.type}: only __isnull is understood", parameter=parameter
        )
    texts = split_list(text, parameter) if operator == "in" else [text]
    return Filter(column, operator, tuple(parse_value(column, each, parameter) for each in texts))


def _find_column(table: Table, parameter: str) -> tuple[Column, str]:
    column = table.by_name.get(parameter)
    if column is not None:
        return column, "eq"
    name, separator, operator = parameter.rpartition("__")
    column = table.by_name.get(name)
    if column is None:
        shown = (name if separator and operator in OPERATORS else parameter)[:100]
        raise BadParameter(f"{table.full_name} has no column {shown!r}", parameter=parameter[:100])
    if operator not in OPERATORS:
        raise BadParameter(
            f"There is no operator {operator[:100]!r}: {', '.join(sorted(OPERATORS))}",
            parameter=parameter[:100],
        )
    return column, operator


def _read_columns(table: Table, columns: str | None) -> tuple[Column, ...]:
    if columns is None:
        return table.columns
    names = split_list(columns, "columns")
    unknown = [name[:100] for name in names if name not in table.by_name]
    if unknown or not names or len(set(names)) < len(names):
        problem = f"has no column {unknown[0]!r}" if unknown else "is asked for each column once"
        raise BadParameter(f"{table.full_name} {problem}", parameter="columns")
    return tuple(table.by_name[name] for name in names)


def _read_order(table: Table, order: str) -> tuple[Term, ...]:
    terms: list[Term] = []
    for name in split_list(order, "order"):
        descending = name not in table.by_name and name.startswith("-")
        column = table.by_name.get(name[1:] if descending else name)
        if column is None:
            raise BadParameter(
                f"{table.full_name} has no column {name[:100]!r} to order by", parameter="order"
            )
        if not is_comparable(column):
            raise BadParameter(
                f"{column.name} is {column.type}: it has no order", parameter="order"
            )
        if any(term.column is column for term in terms):
            raise BadParameter(f"{column.name} stands twice in the order", parameter="order")
        terms.append(Term(column, descending))
    return tuple(terms)
