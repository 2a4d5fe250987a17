"""What a restore would do to a table, told before it is done."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
import psycopg

from backups.avro.schema import FileSchema
from backups.store.manifest import TableEntry
from backups.tables.definition import TableDefinition
from backups.tables.dependents import read_dependents
from ingest.outcome import OnConflict

Mode = Literal["replace", "append", "new"]


@dataclass(frozen=True, kw_only=True)
class RestoreRequest:
    """What is to be restored, and how."""

    tables: Sequence[str] = ()  # none: all of the backup
    mode: Mode = "replace"
    into: str | None = None  # the new table's name, with the mode `new`
    dry_run: bool = False
    on_conflict: OnConflict = "reject"  # of appended rows


class Retyped(msgspec.Struct, frozen=True):
    """A column whose type is another one now."""

    column: str
    backup_type: str
    table_type: str


class Misfit(msgspec.Struct, frozen=True):
    """Why some rows of the backup would not fit the table."""

    reason: str
    rows: int


class TablePlan(msgspec.Struct, frozen=True, kw_only=True):
    """One table's part of a restore."""

    table: str
    mode: Mode
    into: str
    exists: bool
    rows_in_backup: int
    rows_now: int | None
    columns_added: tuple[str, ...]  # in the table, not in the backup
    columns_dropped: tuple[str, ...]  # in the backup, not in the table: their values are not used
    columns_retyped: tuple[Retyped, ...]
    newly_required: tuple[str, ...]
    defaults_used: dict[str, str]
    recomputed: tuple[str, ...]  # generated columns
    misfits: tuple[Misfit, ...] = ()
    refusals: tuple[str, ...] = ()


def find_table(connection: psycopg.Connection, schema: str, table: str) -> int | None:
    """Return the oid of a table, None where there is none."""
    row = connection.execute(
        "SELECT c.oid::bigint FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relname = %s AND c.relkind IN ('r', 'p')",
        [schema, table],
    ).fetchone()
    return int(row[0]) if row else None


def plan_table(
    entry: TableEntry,
    file: FileSchema,
    definition: TableDefinition,
    *,
    mode: Mode,
    into: str,
    rows_now: int | None,
) -> TablePlan:
    """Compare a backup's table with the one that its rows are to go into."""
    before = {column.name: column for column in entry.columns}
    now = {column.name: column for column in definition.columns}
    types = {field.column: field.type for field in file.fields}
    added = [name for name in now if name not in before and now[name].generated is None]
    defaults = {
        name: now[name].default or "identity"
        for name in added
        if now[name].default is not None or now[name].identity
    }
    required = [
        name
        for name, column in now.items()
        if column.not_null
        and column.generated is None
        and (not before[name].not_null if name in before else name not in defaults)
    ]
    missing = [name for name in required if name not in before]
    refusals = [f"{name} is required now and the backup does not have it" for name in missing]
    if mode == "replace" and rows_now is not None:
        refusals += [
            f"the table has {what}, which a restore cannot make again" for what in definition.beyond
        ]
    return TablePlan(
        table=entry.full_name,
        mode=mode,
        into=into,
        exists=rows_now is not None,
        rows_in_backup=entry.rows,
        rows_now=rows_now,
        columns_added=tuple(added),
        columns_dropped=tuple(name for name in before if name not in now),
        columns_retyped=tuple(
            Retyped(name, types[name], column.type)
            for name, column in now.items()
            if name in types and types[name] != column.type
        ),
        newly_required=tuple(required),
        defaults_used=defaults,
        recomputed=tuple(name for name, column in now.items() if column.generated is not None),
        refusals=tuple(refusals),
    )


def find_refusals(connection: psycopg.Connection, oid: int, schema: str) -> list[str]:
    """Return what depends on the table and cannot follow when another takes its place."""
    return [
        f"the {one.kind} {one.schema}.{one.name} depends on the table and cannot be made to follow"
        for one in read_dependents(connection, oid, schema)
        if not one.can_follow
    ]
