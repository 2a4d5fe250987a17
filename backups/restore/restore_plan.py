"""The plan of a restore: where each table's rows go, and what the columns there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

import msgspec
import psycopg

from backups.child.table_reader import TableReader
from backups.errors import RestoreRefused
from backups.restore.inplace.table import LiveTable, read_table
from backups.restore.plan import RestoreRequest, TablePlan, plan_table
from backups.restore.selection import RowSelection, select_rows
from backups.tables.catalog import find_table
from backups.tables.connection import configure_transaction
from backups.tables.definition import TableDefinition


@dataclass(frozen=True)
class TableRestore:
    """One table of a restore; `table` is the one that is changed, None where one is made."""

    reader: TableReader
    plan: TablePlan
    definition: TableDefinition
    table: LiveTable | None
    selection: RowSelection | None = None  # of the rows of a table that exists


def plan_restore(
    connection: psycopg.Connection, readers: Sequence[TableReader], request: RestoreRequest
) -> list[TableRestore]:
    """Look for the tables that exist now; nothing is changed."""
    with connection.transaction(force_rollback=True):
        configure_transaction(connection)
        return [_plan_table(connection, reader, request) for reader in readers]


def order_by_foreign_keys(tables: Sequence[TableRestore]) -> list[TableRestore]:
    """Return the tables, referenced ones first; as they came where the keys form a cycle."""
    by_name = {(one.definition.schema, one.definition.table): one for one in tables}
    graph = {
        name: {
            constraint.refers_to
            for constraint in one.definition.constraints
            if constraint.refers_to in by_name and constraint.refers_to != name
        }
        for name, one in by_name.items()
    }
    try:
        return [by_name[name] for name in TopologicalSorter(graph).static_order()]
    except CycleError:
        return list(tables)


def _plan_table(
    connection: psycopg.Connection, reader: TableReader, request: RestoreRequest
) -> TableRestore:
    entry = reader.entry
    table = read_table(connection, entry.schema, entry.table)
    if table is None and request.mode == "append":
        raise RestoreRefused(f"There is no table {entry.full_name} to append to")
    definition = entry if table is None else table.definition
    into = f"{entry.schema}.{request.into}" if request.into else entry.full_name
    selection = None
    if table is not None:
        stored = {field.column for field in reader.schema.fields} & set(table.columns)
        selection = select_rows(connection, table.oid, table.full_name, stored, request)
    plan = plan_table(entry, reader.schema, definition, mode=request.mode, into=into)
    if request.into:
        if find_table(connection, entry.schema, request.into) is not None:
            raise RestoreRefused(f"There is a table {into} already")
        table = None
    if table is None:
        lost = () if request.definitions else definition.not_restorable
        plan = msgspec.structs.replace(plan, inserted=entry.rows, not_made_again=lost)
    return TableRestore(reader, plan, definition, table, selection)
