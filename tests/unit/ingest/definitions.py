"""Tables as the catalog would describe them, without a database."""

from typing import Any

import msgspec

from ingest.catalog.definitions import Column, Table, UniqueKey


def make_column(name: str, **fields: Any) -> Column:
    """Return a column, of type jsonb where nothing else is said."""
    plain: dict[str, Any] = {
        "name": name,
        "type": "jsonb",
        "base_type": "jsonb",
        "base": "jsonb",
        "kind": "base",
        "element": None,
        "element_kind": None,
        "type_mod": -1,
        "domain": False,
        "not_null": False,
        "default": None,
        "domain_default": None,
        "generated": None,
        "virtual": False,
        "identity": "",
        "collation": None,
        "labels": None,
        "domain_checks": None,
        "comment": None,
    }
    return Column(**(plain | fields))


def make_integer(name: str, **fields: Any) -> Column:
    """Return a column of type integer."""
    return make_column(name, type="integer", base_type="integer", base="int4", **fields)


def make_text(name: str, **fields: Any) -> Column:
    """Return a column of type text."""
    return make_column(name, type="text", base_type="text", base="text", kind="text", **fields)


def make_table(*columns: Column, **fields: Any) -> Table:
    """Return the table hiring.made with these columns."""
    table = Table(
        oid=1,
        schema="hiring",
        name="made",
        comment=None,
        partitioned=False,
        watched=False,
        clustered=False,
        ruled=False,
        copyable=True,
        columns=columns,
        unique_keys=(),
        foreign_keys=(),
        checks=(),
        exclusions=(),
    )
    return msgspec.structs.replace(table, **fields)


def make_unique_key(column: str, **fields: Any) -> UniqueKey:
    """Return the unique key of one column."""
    plain: dict[str, Any] = {
        "name": f"made_{column}_key",
        "primary": False,
        "constraint": True,
        "deferrable": False,
        "nulls_distinct": True,
        "keys": (f'"{column}"',),
        "plain": True,
        "predicate": None,
        "columns": (column,),
        "reads": (column,),
    }
    return UniqueKey(**(plain | fields))
