"""What makes the outcome of a table's rows depend on the order they are sent in."""

from collections.abc import Sequence

import msgspec

from ingest.catalog.definitions import ASKABLE_TYPES, Table, UniqueKey


class ParentDescription(msgspec.Struct, frozen=True):
    """Columns that refer to others of the same table."""

    columns: Sequence[str]
    referenced: Sequence[str]


class OrderDescription(msgspec.Struct, frozen=True, kw_only=True):
    """When a row's outcome depends on rows sent before it.

    It does on those with equal values in the columns of one of `keys`, and on the rows that it
    refers to (`parents`); where `always` is true it may on any other, as only the database can
    tell.
    """

    always: bool
    keys: Sequence[Sequence[str]]
    parents: Sequence[ParentDescription]


def describe_order(table: Table) -> OrderDescription:
    """Return what a client that keeps several batches in flight has to keep in order."""
    parents = [
        ParentDescription(key.columns, key.referenced)
        for key in table.foreign_keys
        if (key.schema, key.table) == (table.schema, table.name)
    ]
    referring = {name for parent in parents for name in parent.columns}
    is_plain = (
        not table.watched
        and not table.exclusions
        and all(_is_compared_by_value(table, key) for key in table.unique_keys)
        and all(_has_plain_values(table, name) for name in referring)
    )
    return OrderDescription(
        always=not is_plain,
        keys=[key.columns for key in table.unique_keys],
        parents=parents,
    )


def _is_compared_by_value(table: Table, key: UniqueKey) -> bool:
    """Return whether rows have the key in common only where they bring values that look alike."""
    return (
        key.plain
        and key.nulls_distinct
        and all(
            _has_plain_values(table, name) and table.by_name[name].constant_default is None
            for name in key.columns
        )
    )


def _has_plain_values(table: Table, name: str) -> bool:
    """Return whether equal values of a column are written alike, but for spaces and zeros."""
    column = table.by_name[name]
    return (
        column.base in ASKABLE_TYPES
        and not column.domain
        and column.collation is None
        and column.generated is None
    )
