"""One table's part of a restore: where its rows come from, where they go, what that changes."""

from dataclasses import dataclass

import msgspec
import psycopg

from backups import shadow
from backups.connection import be_exact
from backups.definition import TableDefinition, read_definition
from backups.errors import RestoreRefused
from backups.fitting import count_misfits, fill_staging
from backups.manifest import TableEntry
from backups.plan import RestoreRequest, TablePlan, find_refusals, find_table, plan_table
from backups.reading import TableReader


@dataclass(frozen=True)
class Work:
    """A table on its way; `definition` is what it will be like."""

    entry: TableEntry
    reader: TableReader
    plan: TablePlan
    definition: TableDefinition
    oid: int | None  # of the table that is there now


def plan_work(connection: psycopg.Connection, reader: TableReader, request: RestoreRequest) -> Work:
    """Look at the table as it is and say what the restore would do; nothing is changed."""
    entry = reader.entry
    with connection.transaction(force_rollback=True):
        be_exact(connection)
        oid = find_table(connection, entry.schema, entry.table)
        if oid is None and request.mode == "append":
            raise RestoreRefused(f"There is no table {entry.full_name} to append to")
        definition: TableDefinition = entry
        if oid is not None:
            definition = read_definition(connection, oid, entry.schema)
        plan = _describe(connection, reader, entry, definition, oid, request)
        return Work(entry, reader, plan, definition, oid)


def _describe(
    connection: psycopg.Connection,
    reader: TableReader,
    entry: TableEntry,
    definition: TableDefinition,
    oid: int | None,
    request: RestoreRequest,
) -> TablePlan:
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
    misfits = []
    if request.dry_run and oid is not None:
        fill_staging(connection, reader)
        misfits = count_misfits(connection, reader, definition)
    return msgspec.structs.replace(
        plan, refusals=(*plan.refusals, *refusals), misfits=tuple(misfits)
    )
