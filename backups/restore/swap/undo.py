"""A restore undone: a table and the copy from before the restore exchanged."""

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg.sql import SQL, Identifier

from backups.errors import RestoreRefused
from backups.restore.database_errors import translate_errors
from backups.restore.service_tables import check_service_tables
from backups.restore.swap.replace import run_in
from backups.restore.swap.shadow import UNDO_PREFIX, shadow_schema, undo_schema
from backups.restore.swap.swap import Replacement, swap
from backups.tables import ddl
from backups.tables.catalog import count_rows, find_table, read_definition
from backups.tables.connection import configure_transaction, connect_for_restore
from backups.tables.definition import TableDefinition


@dataclass(frozen=True)
class Undone:
    """One table: how many rows it had and has."""

    table: str
    rows_before: int
    rows: int


def undo_restore(
    tables: Sequence[str], *, dry_run: bool = False, with_service: bool = False
) -> list[Undone]:
    """Exchange tables with their undo copies, all of them or none; a second time undoes this.

    Readers see the one or the other, whole. Raises `RestoreRefused` where there is no copy, where
    the table was altered since, or where rows would refer to rows that are not there,
    `ServiceTablesProtected`, `RestoreBusy`, `TablesBusy` and `Unavailable`.
    """
    with translate_errors(), connect_for_restore() as connection:
        copies = [_find_copy(connection, name) for name in tables]
        check_service_tables([".".join(copy) for copy in copies], allowed=with_service)
        with connection.transaction(force_rollback=dry_run):
            return _exchange(connection, copies, dry_run=dry_run)


def _find_copy(connection: psycopg.Connection, name: str) -> tuple[str, str]:
    """Return schema and name of a table that has an undo copy."""
    rows = connection.execute(
        "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE starts_with(n.nspname, %s) AND c.relkind IN ('r', 'p') AND NOT c.relispartition",
        [UNDO_PREFIX],
    ).fetchall()
    found = [(schema.removeprefix(UNDO_PREFIX), table) for schema, table in rows]
    matching = [one for one in found if name in {one[1], ".".join(one)}]
    if len(matching) != 1:
        words = "Several tables have" if matching else "There is no table that has"
        raise RestoreRefused(f"{words} the name {name} and an undo copy", table=name)
    return matching[0]


def _exchange(
    connection: psycopg.Connection, copies: Sequence[tuple[str, str]], *, dry_run: bool
) -> list[Undone]:
    configure_transaction(connection)
    undone = [
        Undone(
            f"{schema}.{table}",
            count_rows(connection, schema, table),
            count_rows(connection, undo_schema(schema), table),
        )
        for schema, table in copies
    ]
    if dry_run:
        return undone
    replacements = [_move_from_undo(connection, schema, table) for schema, table in copies]
    for one in replacements:
        run_in(connection, one, ddl.add_foreign_keys(one.definition, one.schema))
    swap(connection, replacements)
    return undone


def _move_from_undo(connection: psycopg.Connection, schema: str, table: str) -> Replacement:
    """Move an undo copy to the shadow schema, for the swap."""
    origin, target = undo_schema(schema), shadow_schema(schema)
    definition, before = (_read(connection, where, table) for where in (schema, origin))
    if _compared(definition) != _compared(before):
        raise RestoreRefused(f"{schema}.{table} was altered since it was restored")
    connection.execute(SQL("CREATE SCHEMA IF NOT EXISTS {}").format(Identifier(target)))
    for name in (*(partition.table for partition in definition.partitions), table):
        connection.execute(
            SQL("ALTER TABLE {} SET SCHEMA {}").format(Identifier(origin, name), Identifier(target))
        )
    return Replacement(definition, target, find_table(connection, schema, table))


def _read(connection: psycopg.Connection, schema: str, table: str) -> TableDefinition:
    oid = find_table(connection, schema, table)
    if oid is None:
        raise RestoreRefused(f"There is no table {schema}.{table}")
    return read_definition(connection, oid, schema)


def _compared(definition: TableDefinition) -> tuple[object, ...]:
    columns = [
        (column.name, column.type, column.not_null, column.generated, column.identity)
        for column in definition.columns
    ]
    return columns, [partition.table for partition in definition.partitions]
