"""A table's definition as a value: kept in the manifest, enough to create the table again."""

from typing import Annotated, Literal

import msgspec


class ColumnDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """A column, as CREATE TABLE takes it."""

    name: str
    type: str
    not_null: bool
    collation: str | None
    default: str | None
    generated: str | None
    virtual: bool
    identity: Literal["", "a", "d"]
    storage: str | None
    comment: str | None


class ConstraintDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """A constraint: primary key, unique, check, foreign key or exclusion."""

    name: str
    kind: Literal["p", "u", "c", "f", "x"]
    definition: str
    refers_to: tuple[str, str] | None
    comment: str | None

    @property
    def is_valid(self) -> bool:
        """Whether every row is known to satisfy it."""
        return not self.definition.endswith(("NOT VALID", "NOT ENFORCED"))


class IndexDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """An index that belongs to no constraint."""

    name: str
    definition: Annotated[str, msgspec.Meta(pattern=r"^CREATE (UNIQUE )?INDEX ")]
    comment: str | None


# Words of GRANT: they are no expressions, so no others than PostgreSQL's are taken.
PrivilegeName = Literal[
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "TRUNCATE",
    "REFERENCES",
    "TRIGGER",
    "MAINTAIN",
    "USAGE",
]


class Privilege(msgspec.Struct, frozen=True, kw_only=True):
    """What a role (None: everyone) may do with the table or one of its columns."""

    role: str | None
    privilege: PrivilegeName
    column: str | None
    grantable: bool


class SequenceDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """A sequence that a column owns (serial) or takes its values from (identity)."""

    name: str
    column: str
    identity: bool
    type: str
    start: int
    increment: int
    minimum: int
    maximum: int
    cache: int
    cycle: bool
    last_value: int | None  # None where it was never used
    privileges: tuple[Privilege, ...]


class TriggerDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """A trigger and whether it fires: O(rigin), D(isabled), R(eplica), A(lways)."""

    name: str
    definition: Annotated[str, msgspec.Meta(pattern=r"^CREATE (CONSTRAINT )?TRIGGER ")]
    enabled: Literal["O", "D", "R", "A"]


class PartitionDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """A partition; `partition_key` where it has partitions of its own."""

    table: str
    parent: str
    bound: str
    partition_key: str | None


class TableDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a table but its rows; names of its own schema are not qualified."""

    schema: str
    table: str
    comment: str | None
    owner: str
    options: tuple[str, ...]
    unlogged: bool
    partition_key: str | None
    partitions: tuple[PartitionDefinition, ...]
    columns: tuple[ColumnDefinition, ...]
    constraints: tuple[ConstraintDefinition, ...] = msgspec.field(name="keys")
    indexes: tuple[IndexDefinition, ...]
    sequences: tuple[SequenceDefinition, ...]
    triggers: tuple[TriggerDefinition, ...]
    privileges: tuple[Privilege, ...]
    not_restorable: tuple[str, ...] = msgspec.field(name="beyond")

    @property
    def full_name(self) -> str:
        """The name people use: hiring.employees."""
        return f"{self.schema}.{self.table}"
