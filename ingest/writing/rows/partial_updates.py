"""Statements for rows that lack required columns: they can update a stored row, never be one."""

from collections.abc import Sequence

from psycopg.sql import SQL, Composable, Composed, Identifier

from ingest.catalog.definitions import Table, UniqueKey
from ingest.writing.conflicts import WriteOptions
from ingest.writing.statements import (
    assignments,
    differs,
    only,
    read_batch,
    returning,
    table_identifier,
)

_GIVEN = "rowhouse given"


def can_update_partly(table: Table, key: UniqueKey) -> bool:
    """Return whether the key can be told of rows that bring only its columns."""
    return all(table.by_name[name].generated is None for name in key.reads)


def lock_statement(table: Table, columns: Sequence[str], key: UniqueKey) -> Composed:
    """Return a SELECT that locks the stored rows that a JSON array's rows have their key from.

    It returns how many of the array's rows have one, and how many different ones these are.
    """
    return SQL(
        "SELECT count(*), count(DISTINCT (tableoid, ctid)) FROM ("
        "SELECT {table}.tableoid, {table}.ctid FROM {only} {table}, ({given}) AS {alias}"
        " WHERE {match} FOR NO KEY UPDATE OF {name}) AS locked"
    ).format(
        table=table_identifier(table),
        name=Identifier(table.name),
        only=only(partitioned=table.partitioned),
        given=_given(table, columns, key),
        alias=Identifier(_GIVEN),
        match=_match(key),
    )


def update_statement(
    table: Table, columns: Sequence[str], key: UniqueKey, options: WriteOptions
) -> Composed:
    """Return a statement that changes the columns of stored rows to those of a JSON array's rows.

    What it returns is what an INSERT with the same options would.
    """
    new: list[Composable] = [Identifier(_GIVEN, f"new {place}") for place in range(len(columns))]
    return SQL("UPDATE {} {} SET {} FROM ({}) AS {} WHERE {} AND {}").format(
        only(partitioned=table.partitioned),
        table_identifier(table),
        assignments(columns, new),
        _given(table, columns, key),
        Identifier(_GIVEN),
        _match(key),
        differs(table, columns, new),
    ) + returning(table, options, SQL("false"))


def _given(table: Table, columns: Sequence[str], key: UniqueKey) -> Composed:
    """Return a SELECT of new values and keys, under names that no expression of a key has."""
    defaults = {
        name: default
        for name in key.reads
        if name not in columns and (default := table.by_name[name].constant_default) is not None
    }
    read = [column for column in table.writable if column.name in {*columns, *key.reads}]
    values = [
        SQL("{} AS {}").format(Identifier(name), Identifier(f"new {place}"))
        for place, name in enumerate(columns)
    ]
    keys = [
        SQL("({}) AS {}").format(SQL(part), Identifier(f"key {place}"))
        for place, part in enumerate(key.keys)
    ]
    query = SQL("SELECT {} FROM ({}) AS batch").format(
        SQL(", ").join([*values, *keys]), read_batch(read, defaults)
    )
    return query + SQL(" WHERE {}").format(SQL(key.predicate)) if key.predicate else query


def _match(key: UniqueKey) -> Composed:
    equal = SQL("({}) = {}")
    if not key.nulls_distinct:
        equal = SQL("(({0}) = {1} OR (({0}) IS NULL AND {1} IS NULL))")
    conditions = [
        equal.format(SQL(part), Identifier(_GIVEN, f"key {place}"))
        for place, part in enumerate(key.keys)
    ]
    if key.predicate:
        conditions.append(SQL("({})").format(SQL(key.predicate)))
    return SQL(" AND ").join(conditions)
