"""A table whose rows are to be changed, as PostgreSQL's catalog describes it now."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec
from psycopg import Connection
from psycopg.sql import SQL, Composed, Identifier

from backups.tables.catalog import find_table, read_definition
from backups.tables.definition import ColumnDefinition, TableDefinition
from project.base.database import WRITER_ROLE
from project.base.sql_files import read_sql

FOLDER = Path(__file__).parent / "sql"


class UniqueIndex(msgspec.Struct, frozen=True):
    """A unique or exclusion index; without columns where it has expressions or a predicate."""

    name: str
    columns: tuple[str, ...]
    can_pair: bool  # whether its columns tell every row apart, at any moment
    is_deferrable: bool
    operators: tuple[str, ...]  # of an exclusion constraint


class Check(msgspec.Struct, frozen=True):
    """A CHECK constraint that new rows must satisfy."""

    name: str
    definition: str
    expression: str
    columns: tuple[str, ...]


class ForeignKey(msgspec.Struct, frozen=True):
    """A foreign key from or to the table, or one of its partitions."""

    name: str
    is_full: bool
    is_valid: bool
    changes_rows: bool  # ON DELETE or ON UPDATE does more than refuse
    is_own: bool
    leads_here: bool
    referencing: tuple[str, str]
    referencing_columns: tuple[str, ...]
    referenced: tuple[str, str]
    referenced_columns: tuple[str, ...]


class _Facts(msgspec.Struct, frozen=True):
    indexes: tuple[UniqueIndex, ...]
    checks: tuple[Check, ...]
    foreign_keys: tuple[ForeignKey, ...]
    constant_triggers: tuple[str, ...]
    triggers: tuple[str, ...]
    is_writable: bool


@dataclass(frozen=True)
class LiveTable:
    """A table that exists, with what may break when its rows change."""

    oid: int
    definition: TableDefinition
    facts: _Facts

    @property
    def full_name(self) -> str:
        """The name people use."""
        return self.definition.full_name

    @property
    def identifier(self) -> Identifier:
        """The name for SQL."""
        return Identifier(self.definition.schema, self.definition.table)

    @cached_property
    def columns(self) -> dict[str, ColumnDefinition]:
        """The columns that are stored; PostgreSQL computes the others."""
        return {one.name: one for one in self.definition.columns if one.generated is None}

    def find_key(self, known: Collection[str]) -> tuple[str, ...]:
        """Return columns of a key that are all among the known ones; none where there is none."""
        keys = (one.columns for one in self.facts.indexes if one.can_pair)
        return next((key for key in keys if set(key) <= set(known)), ())

    def find_moving(self, key: Sequence[str]) -> list[str]:
        """Return the columns that an UPDATE of many rows must not change.

        Values of another unique index may be exchanged between rows, and GENERATED ALWAYS takes no
        value: such rows are deleted and inserted.
        """
        moving = {name for name, one in self.columns.items() if one.identity == "a"}
        for index in self.facts.indexes:
            if index.columns != tuple(key):
                moving |= set(index.columns or self.columns)
        return [name for name in self.columns if name in moving]


def read_table(connection: Connection, schema: str, name: str) -> LiveTable | None:
    """Return the table as it is, None where there is none."""
    oid = find_table(connection, schema, name)
    if oid is None:
        return None
    definition = read_definition(connection, oid, schema)
    statement = read_sql(FOLDER / "table.sql")
    row = connection.execute(statement, {"oid": oid, "role": WRITER_ROLE}).fetchone()
    return LiveTable(oid, definition, msgspec.json.decode(row[0], type=_Facts))  # type: ignore[index]


def match_columns(names: Collection[str]) -> Composed:
    """Return whether the rows `t` and `s` have the same values."""
    return SQL(" AND ").join(SQL("t.{0} = s.{0}").format(Identifier(name)) for name in names)


def join_columns(names: Collection[str], *prefix: str) -> Composed:
    """Return column names separated by commas, qualified by a relation's name."""
    return SQL(", ").join(Identifier(*prefix, name) for name in names)
