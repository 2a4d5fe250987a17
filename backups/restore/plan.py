"""What a restore is asked to do, and what it would do to each table."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from backups.avro.schema import FileSchema
from backups.store.manifest import TableEntry
from backups.tables.definition import TableDefinition
from ingest.outcome import OnConflict

Mode = Literal["replace", "append", "new"]
# Of a primary key: its value, or its columns' values by name.
Key = str | Mapping[str, str]


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
    definitions: bool = False  # make what the datasets define first, where it is missing
    left_out: Sequence[str] = ()  # tables of the backup that the caller may not restore
    exclude: Sequence[str] = ()  # tables of the backup that stay as they are
    is_named: bool = True  # the backup was asked for, not looked for
    everything: bool = False  # no tables were named: those that the backup lacks are told
    # Which rows, of all tables: those of which each condition holds, here or in the backup.
    where: Mapping[str, str | None] = field(default_factory=dict)
    keys: Sequence[Key] | None = None
    batch: str | None = None

    @property
    def selects_rows(self) -> bool:
        """Whether only some rows are restored."""
        return bool(self.where) or self.keys is not None or self.batch is not None


class RetypedColumn(msgspec.Struct, frozen=True):
    """A column whose type has changed since the backup."""

    column: str
    backup_type: str
    table_type: str


class Misfit(msgspec.Struct, frozen=True):
    """Why some rows of the backup would not fit the table; PostgreSQL tells no number."""

    reason: str
    rows: int | None = None

    def __str__(self) -> str:
        return self.reason if self.rows is None else f"{self.rows} rows: {self.reason}"


class RowExample(msgspec.Struct, frozen=True, kw_only=True):
    """A row that changes: its key, and the values of the columns that differ, as text."""

    change: str
    key: dict[str, str | None]
    before: dict[str, str | None]
    after: dict[str, str | None]


class TablePlan(msgspec.Struct, frozen=True, kw_only=True):
    """One table's part of a restore: the difference, and what is in its way."""

    table: str
    mode: Mode
    into: str
    exists: bool
    rows_in_backup: int
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    examples: tuple[RowExample, ...] = ()
    columns_only_here: tuple[str, ...] = ()
    columns_only_there: tuple[str, ...] = ()  # in the backup: their values are not used
    columns_retyped: tuple[RetypedColumn, ...] = ()
    not_made_again: tuple[str, ...] = ()  # what a table that is made has lost
    keys_not_found: tuple[str, ...] = ()  # those asked for that neither backup nor table has
    will_not_fit: tuple[Misfit, ...] = ()


def plan_table(
    entry: TableEntry, file: FileSchema, definition: TableDefinition, *, mode: Mode, into: str
) -> TablePlan:
    """Compare the columns of a backup's table with those of the one that its rows go into."""
    types = {field.column: field.type for field in file.fields}
    now = {one.name: one.type for one in definition.columns if one.generated is None}
    before = {one.name for one in entry.columns}
    return TablePlan(
        table=entry.full_name,
        mode=mode,
        into=into,
        exists=definition is not entry,
        rows_in_backup=entry.rows,
        columns_only_here=tuple(name for name in now if name not in before),
        columns_only_there=tuple(
            one.name for one in entry.columns if one.name not in _names(definition)
        ),
        columns_retyped=tuple(
            RetypedColumn(name, types[name], now_type)
            for name, now_type in now.items()
            if name in types and types[name] != now_type
        ),
    )


def _names(definition: TableDefinition) -> set[str]:
    return {column.name for column in definition.columns}


def describe_plan(plan: TablePlan) -> Iterator[str]:
    """Yield the lines that tell a person what a restore does to a table."""
    target = "" if plan.into == plan.table else f" -> {plan.into}"
    yield (
        f"{plan.table}{target} ({plan.mode}): {plan.inserted} rows inserted, {plan.updated}"
        f" updated, {plan.deleted} deleted, {plan.unchanged} unchanged"
    )
    for one in plan.examples:
        yield f"  {one.change} {_describe_example(one)}"
    for name in plan.columns_only_here:
        yield f"  {name} is not in the backup"
    for name in plan.columns_only_there:
        yield f"  {name} is in the backup only: its values are not used"
    for column in plan.columns_retyped:
        yield f"  {column.column} was {column.backup_type} and is {column.table_type}"
    for feature in plan.not_made_again:
        yield f"  NOT MADE AGAIN: {feature}"
    if plan.keys_not_found:
        yield f"  neither the backup nor the table has {'; '.join(plan.keys_not_found)}"
    for misfit in plan.will_not_fit:
        yield f"  WILL NOT FIT: {misfit}"


def _describe_example(example: RowExample) -> str:
    key = ", ".join(f"{name}={value}" for name, value in example.key.items())
    if example.change != "updated":
        values = example.after or example.before
        return key or ", ".join(f"{name}={value}" for name, value in values.items())
    changes = (f"{name}: {was} -> {example.after[name]}" for name, was in example.before.items())
    return f"{key}: {', '.join(changes)}"
