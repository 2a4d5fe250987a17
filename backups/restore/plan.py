"""What a restore is asked to do, and what it would do to each table."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from backups.avro.schema import FileSchema
from backups.store.manifest import TableEntry
from backups.tables.definition import TableDefinition
from ingest.outcome import OnConflict

Mode = Literal["replace", "append", "new"]


@dataclass(frozen=True, kw_only=True)
class RestoreRequest:
    """Which tables to restore, and how."""

    tables: Sequence[str] = ()  # none: all of the backup
    mode: Mode = "replace"
    into: str | None = None  # the new table's name, with the mode `new`
    dry_run: bool = False
    on_conflict: OnConflict = "reject"  # of appended rows
    trust: bool = False  # also a backup of unknown origin
    with_service: bool = False  # also receipts and rejections
    left_out: Sequence[str] = ()  # tables of the backup that the caller may not restore


class RetypedColumn(msgspec.Struct, frozen=True):
    """A column whose type has changed since the backup."""

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
    columns_retyped: tuple[RetypedColumn, ...]
    newly_required: tuple[str, ...]
    defaults_used: dict[str, str]
    recomputed: tuple[str, ...]  # generated columns
    misfits: tuple[Misfit, ...] = ()
    refusals: tuple[str, ...] = ()


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
            f"the table has {feature}, which a restore cannot make again"
            for feature in definition.not_restorable
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
            RetypedColumn(name, types[name], column.type)
            for name, column in now.items()
            if name in types and types[name] != column.type
        ),
        newly_required=tuple(required),
        defaults_used=defaults,
        recomputed=tuple(name for name, column in now.items() if column.generated is not None),
        refusals=tuple(refusals),
    )


def describe_plan(plan: TablePlan) -> Iterator[str]:
    """Yield the lines that tell a person what a restore does to a table."""
    target = plan.into if "." in plan.into else f"{plan.table.partition('.')[0]}.{plan.into}"
    now = f"{plan.rows_now} rows now" if plan.rows_now is not None else "made anew"
    yield f"{plan.table} -> {target} ({plan.mode}): {plan.rows_in_backup} rows, {now}"
    for name in plan.columns_added:
        default = plan.defaults_used.get(name)
        yield f"  {name} is not in the backup: {f'default {default}' if default else 'null'}"
    for name in plan.columns_dropped:
        yield f"  {name} is in the backup only: its values are not used"
    for one in plan.columns_retyped:
        yield f"  {one.column} was {one.backup_type} and is {one.table_type}"
    for name in plan.newly_required:
        yield f"  {name} is required now"
    for name in plan.recomputed:
        yield f"  {name} is computed anew"
    for misfit in plan.misfits:
        yield f"  {misfit.rows} rows do not fit: {misfit.reason}"
    for refusal in plan.refusals:
        yield f"  REFUSED: {refusal}"
