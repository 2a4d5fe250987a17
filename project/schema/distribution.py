"""Which tables Citus is to distribute, in which order, and what stands in the way: no database."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
from psycopg.sql import SQL, Composed, Identifier, Literal

from project.base.config import Distribution

# A table's schema and name.
Name = tuple[str, str]


class Key(msgspec.Struct, frozen=True):
    """A unique key or an exclusion constraint."""

    name: str
    columns: tuple[str, ...]


class Reference(msgspec.Struct, frozen=True):
    """A foreign key."""

    name: str
    schema: str
    table: str
    columns: tuple[str, ...]
    referenced: tuple[str, ...]

    @property
    def target(self) -> Name:
        """The table it refers to."""
        return self.schema, self.table


class TableShape(msgspec.Struct, frozen=True):
    """What distribution depends on."""

    schema: str
    name: str
    is_partition: bool
    columns: tuple[str, ...]
    keys: tuple[Key, ...] = ()
    references: tuple[Reference, ...] = ()


class Placement(msgspec.Struct, frozen=True):
    """Where a table is now: `kind` is distributed, reference or schema."""

    kind: str
    column: str | None = None


@dataclass(frozen=True)
class Layout:
    """The database's tables, where they are now, and what the settings want of each dataset."""

    tables: Mapping[Name, TableShape]
    placements: Mapping[Name, Placement]
    wanted: Mapping[str, Distribution]

    def column_of(self, table: Name) -> str | None:
        """Return the column by which a table's rows are to be distributed, None for most."""
        chosen = self.wanted.get(table[0], "none")
        return chosen.get(table[1]) if isinstance(chosen, dict) else None

    def is_with_schema(self, table: Name) -> bool:
        """Return whether the table is to go where its whole schema goes."""
        return self.wanted.get(table[0], "none") == "schema"


@dataclass(frozen=True)
class Move:
    """One statement that moves tables, and its description."""

    description: str
    statement: Composed
    # Whether tables that stay on the coordinator refer to the moved one: Citus then has to keep
    # those in its own way, which it cannot do with every partitioned table.
    serves_local_tables: bool = True


@dataclass(frozen=True)
class DistributionPlan:
    """The moves in their order, and what is in the way of all of them."""

    moves: list[Move] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)


def plan_distribution(schema: str, layout: Layout) -> DistributionPlan:
    """Return how one dataset becomes distributed as the settings want it.

    What is done already is not done again; `none` undoes nothing.
    """
    chosen = layout.wanted.get(schema, "none")
    plan = DistributionPlan()
    if chosen == "none":
        return plan
    if isinstance(chosen, dict):
        moved = [(schema, name) for name in chosen]
        plan.refusals.extend(_refuse_tables(moved, layout))
    else:
        moved = [name for name in layout.tables if name[0] == schema]
    plan.refusals.extend(_refuse_incoming(moved, layout))
    if plan.refusals:
        return plan
    plan.moves.extend(_make_references(moved, layout))
    if isinstance(chosen, dict):
        plan.moves.extend(_distribute_tables(moved, layout))
    elif any(_kind(one, layout) != "schema" for one in moved if _kind(one, layout) != "reference"):
        statement = SQL("SELECT citus_schema_distribute({})").format(_quote(schema))
        plan.moves.append(Move("distribute the schema to one node", statement))
    return plan


def _refuse_tables(moved: Sequence[Name], layout: Layout) -> Iterator[str]:
    for name in moved:
        table, column = layout.tables.get(name), str(layout.column_of(name))
        full_name = ".".join(name)
        if table is None:
            yield f"{full_name}: there is no such table to distribute"
        elif table.is_partition:
            yield f"{full_name} is a partition: name the table it belongs to"
        elif column not in table.columns:
            yield f"{full_name} does not have the column {column} to distribute it by"
        else:
            yield from _refuse_keys(table, column)
            yield from _refuse_references(table, column, layout)
            yield from _refuse_placement(name, column, layout)


def _refuse_keys(table: TableShape, column: str) -> Iterator[str]:
    for key in table.keys:
        if column not in key.columns:
            yield (
                f"{table.schema}.{table.name}: the key {key.name} ({', '.join(key.columns)}) lacks "
                f"{column}: rows of one key must be on one node, so add the column to the key or "
                "distribute by another"
            )


def _refuse_references(table: TableShape, column: str, layout: Layout) -> Iterator[str]:
    for key in table.references:
        other = layout.column_of(key.target)
        if other is None:
            if layout.is_with_schema(key.target):
                yield _crossing(table, key, "goes to one node with its whole dataset")
        elif (column, other) not in zip(key.columns, key.referenced, strict=True):
            yield _crossing(
                table, key, f"is distributed by {other}, which {column} does not refer to"
            )


def _refuse_placement(name: Name, column: str, layout: Layout) -> Iterator[str]:
    now = layout.placements.get(name)
    if now is None or now == Placement("distributed", column):
        return
    how = f"by {now.column}" if now.kind == "distributed" else f"as {now.kind}"
    yield (
        f"{'.'.join(name)} is distributed {how} already: move it by hand (undistribute_table, "
        "alter_distributed_table)"
    )


def _refuse_incoming(moved: Sequence[Name], layout: Layout) -> Iterator[str]:
    """Yield the foreign keys of tables that stay on the coordinator, or go elsewhere."""
    for name, table in layout.tables.items():
        for key in table.references:
            if name in moved or key.target not in moved or layout.column_of(name) is not None:
                continue
            yield _crossing(table, key, "is to be distributed, and this one is not")
    for name in moved:
        shape = layout.tables.get(name)
        for key in shape.references if shape and layout.is_with_schema(name) else ():
            if key.target[0] == name[0]:
                continue
            if layout.column_of(key.target) is not None or layout.is_with_schema(key.target):
                yield _crossing(layout.tables[name], key, "is distributed on its own")


def _crossing(table: TableShape, key: Reference, why: str) -> str:
    return f"{table.schema}.{table.name}: {key.name} refers to {'.'.join(key.target)}, which {why}"


def _make_references(moved: Sequence[Name], layout: Layout) -> Iterator[Move]:
    """Yield what copies to every node the tables that distributed ones refer to, and theirs."""
    wanted: dict[Name, None] = {}

    def add(target: Name) -> None:
        if target in moved or target in wanted or layout.column_of(target) is not None:
            return
        for key in layout.tables[target].references if target in layout.tables else ():
            if key.target != target:
                add(key.target)
        wanted[target] = None

    for name in moved:
        for key in layout.tables[name].references:
            add(key.target)
    for target in wanted:
        if _kind(target, layout) != "reference":
            statement = SQL("SELECT create_reference_table({})").format(_quote(*target))
            description = f"copy {'.'.join(target)} to every node"
            yield Move(description, statement, _has_referers(target, {*moved, *wanted}, layout))


def _has_referers(target: Name, moved: Collection[Name], layout: Layout) -> bool:
    """Return whether a table that does not move refers to the target."""
    return any(
        key.target == target
        for name, table in layout.tables.items()
        if name not in moved
        for key in table.references
    )


def _distribute_tables(moved: Sequence[Name], layout: Layout) -> Iterator[Move]:
    for name in _referenced_first(moved, layout):
        if _kind(name, layout) == "distributed":
            continue
        column = str(layout.column_of(name))
        statement = SQL("SELECT create_distributed_table({}, {})").format(
            _quote(*name), Literal(column)
        )
        yield Move(f"distribute {name[1]} by {column}", statement)


def _referenced_first(moved: Sequence[Name], layout: Layout) -> list[Name]:
    order: dict[Name, None] = {}

    def add(name: Name, above: tuple[Name, ...]) -> None:
        for key in layout.tables[name].references:
            if key.target in moved and key.target not in above:
                add(key.target, (*above, key.target))
        order[name] = None

    for name in moved:
        add(name, (name,))
    return list(order)


def _kind(name: Name, layout: Layout) -> str | None:
    placement = layout.placements.get(name)
    return placement.kind if placement else None


def _quote(*name: str) -> Literal:
    return Literal(Identifier(*name).as_string())
