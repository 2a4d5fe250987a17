"""One table's part of a restore: where its rows come from, where they go, what that changes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter

import msgspec
import psycopg

from backups.child.reading import TableReader
from backups.errors import RestoreRefused
from backups.restore.fit_check import fill_staging, fit_rows
from backups.restore.foreign_keys import Broken, Links
from backups.restore.plan import (
    Misfit,
    RestoreRequest,
    TablePlan,
    find_refusals,
    find_table,
    plan_table,
)
from backups.restore.swap import shadow
from backups.store.manifest import TableEntry
from backups.tables.catalog import read_definition
from backups.tables.connection import be_exact
from backups.tables.definition import TableDefinition


@dataclass(frozen=True)
class Work:
    """A table on its way; `definition` is what it will be like."""

    entry: TableEntry
    reader: TableReader
    plan: TablePlan
    definition: TableDefinition
    oid: int | None  # of the table that is there now


def plan_works(
    connection: psycopg.Connection, readers: Sequence[TableReader], request: RestoreRequest
) -> list[Work]:
    """Look at the tables as they are and say what the restore would do; nothing is changed."""
    with connection.transaction(force_rollback=True):
        be_exact(connection)
        works = [_plan_work(connection, reader, request) for reader in readers]
        return _fit_works(connection, works, request) if request.dry_run else works


def order_works(works: Sequence[Work]) -> list[Work]:
    """Return the tables so that rows come after those they refer to, where that can be."""
    named = {(work.definition.schema, work.definition.table): work for work in works}
    graph = {
        name: {
            other
            for key in work.definition.keys
            if (other := key.refers_to) is not None and other in named and other != name
        }
        for name, work in named.items()
    }
    try:
        return [named[name] for name in TopologicalSorter(graph).static_order()]
    except CycleError:
        return list(works)


def _plan_work(
    connection: psycopg.Connection, reader: TableReader, request: RestoreRequest
) -> Work:
    entry = reader.entry
    oid = find_table(connection, entry.schema, entry.table)
    if oid is None and request.mode == "append":
        raise RestoreRefused(f"There is no table {entry.full_name} to append to")
    definition: TableDefinition = entry
    if oid is not None:
        definition = read_definition(connection, oid, entry.schema)
    return Work(
        entry, reader, _describe(connection, reader, definition, oid, request), definition, oid
    )


def _describe(
    connection: psycopg.Connection,
    reader: TableReader,
    definition: TableDefinition,
    oid: int | None,
    request: RestoreRequest,
) -> TablePlan:
    entry = reader.entry
    into = request.into if request.mode == "new" and request.into else entry.table
    refusals: list[str] = []
    replaces = oid is not None and request.mode != "new"
    rows_now = shadow.count_rows(connection, entry.schema, entry.table) if replaces else None
    if oid is not None and request.mode == "replace":
        refusals += find_refusals(connection, oid, entry.schema)
    if request.mode == "new" and find_table(connection, entry.schema, into) is not None:
        refusals.append(f"there is a table {entry.schema}.{into} already")
    plan = plan_table(
        entry, reader.schema, definition, mode=request.mode, into=into, rows_now=rows_now
    )
    return msgspec.structs.replace(plan, refusals=(*plan.refusals, *refusals))


def _fit_works(
    connection: psycopg.Connection, works: Sequence[Work], request: RestoreRequest
) -> list[Work]:
    """Add to the plans which rows would be in the way, once all tables are restored."""
    fittings = []
    for work in works:
        if work.oid is not None:
            fill_staging(connection, work.reader)
            fittings.append(fit_rows(connection, work.reader, work.definition, work.oid))
    links = Links(connection, fittings, request.mode)
    found = {fitting.oid: (fitting.misfits, links.find(fitting.oid)) for fitting in fittings}
    return [_add_misfits(work, *found.get(work.oid or 0, ((), Broken()))) for work in works]


def _add_misfits(work: Work, misfits: Sequence[Misfit], broken: Broken) -> Work:
    plan = msgspec.structs.replace(
        work.plan,
        misfits=(*misfits, *broken.misfits),
        refusals=(*work.plan.refusals, *broken.refusals),
    )
    return replace(work, plan=plan)
