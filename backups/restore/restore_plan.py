"""The plan of a restore, made from the backup's tables and those that exist now."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter

import msgspec
import psycopg

from backups.child.table_reader import TableReader
from backups.errors import RestoreRefused
from backups.restore.fit_check import FitCheck, fill_staging
from backups.restore.foreign_keys import ForeignKeyCheck
from backups.restore.plan import RestoreRequest, TablePlan, plan_table
from backups.tables.catalog import count_rows, find_table, read_definition, read_dependents
from backups.tables.connection import configure_transaction
from backups.tables.definition import TableDefinition


@dataclass(frozen=True)
class TableRestore:
    """One table of a restore; `definition` is what the table will be like."""

    reader: TableReader
    plan: TablePlan
    definition: TableDefinition
    oid: int | None  # of the table that exists now


def plan_restore(
    connection: psycopg.Connection, readers: Sequence[TableReader], request: RestoreRequest
) -> list[TableRestore]:
    """Compare the backup with the tables that exist now; nothing is changed."""
    with connection.transaction(force_rollback=True):
        configure_transaction(connection)
        tables = [_plan_table(connection, reader, request) for reader in readers]
        return _add_misfits(connection, tables, request) if request.dry_run else tables


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
    definition: TableDefinition = entry
    oid = find_table(connection, entry.schema, entry.table)
    if oid is not None:
        definition = read_definition(connection, oid, entry.schema)
    elif request.mode == "append":
        raise RestoreRefused(f"There is no table {entry.full_name} to append to")
    is_counted = oid is not None and request.mode != "new"
    plan = plan_table(
        entry,
        reader.schema,
        definition,
        mode=request.mode,
        into=request.into if request.mode == "new" and request.into else entry.table,
        rows_now=count_rows(connection, entry.schema, entry.table) if is_counted else None,
    )
    refusals = (*plan.refusals, *_find_obstacles(connection, definition, plan, oid))
    return TableRestore(reader, msgspec.structs.replace(plan, refusals=refusals), definition, oid)


def _find_obstacles(
    connection: psycopg.Connection, definition: TableDefinition, plan: TablePlan, oid: int | None
) -> list[str]:
    """Return which other tables or dependent objects prevent the restore."""
    schema = definition.schema
    if plan.mode == "new" and find_table(connection, schema, plan.into) is not None:
        return [f"there is a table {schema}.{plan.into} already"]
    if plan.mode != "replace" or oid is None:
        return []
    return [
        f"the {one.kind} {one.schema}.{one.name} depends on the table and cannot be made to follow"
        for one in read_dependents(connection, oid, schema)
        if not one.can_follow
    ]


def _add_misfits(
    connection: psycopg.Connection, tables: Sequence[TableRestore], request: RestoreRequest
) -> list[TableRestore]:
    """Add to the plans which rows would not fit, once all tables are restored."""
    fits = {}
    for one in tables:
        if one.oid is not None:
            fill_staging(connection, one.reader)
            fits[one.oid] = FitCheck(connection, one.reader, one.definition, one.oid).run()
    check = ForeignKeyCheck(connection, fits, request.mode)
    planned = []
    for one in tables:
        if one.oid is None:
            planned.append(one)
            continue
        misfits, refusals = check.find_violations(one.oid)
        plan = msgspec.structs.replace(
            one.plan,
            misfits=(*fits[one.oid].misfits, *misfits),
            refusals=(*one.plan.refusals, *refusals),
        )
        planned.append(replace(one, plan=plan))
    return planned
