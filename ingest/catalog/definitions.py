"""Tables as PostgreSQL's catalog describes them: the single source of truth about tables."""

import re
from functools import cached_property
from pathlib import Path
from typing import Literal, LiteralString

import msgspec
from psycopg import Connection

from ingest.errors import TableAmbiguous, TableUnknown
from project.base.sql_files import read_sql

FOLDER = Path(__file__).parent / "sql"
MAX_NAME_BYTES = 63

# Types of which each different value of a column can be asked for once: JSON has them as integers
# or strings.
ASKABLE_TYPES = frozenset({"int2", "int4", "int8", "text", "varchar", "uuid"})

# Defaults that are literals, perhaps cast, or the time of the transaction.
_constant = re.compile(
    r"\(?(?:'(?:[^'\\]|'')*'|-?[0-9.]+|\(-[0-9.]+\)|true|false|now\(\)|CURRENT_DATE|CURRENT_TIMESTAMP)"
    r"(?:::[\w .\"]+(?:\([0-9, ]+\)[\w ]*)?(?:\[\])?)?\)?(?:::[\w .\"]+(?:\([0-9, ]+\)[\w ]*)?)?"
)


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """A CHECK constraint of a table or of a domain (`columns` is empty there)."""

    name: str
    expression: str
    columns: tuple[str, ...] = ()


class UniqueKey(msgspec.Struct, frozen=True, kw_only=True):
    """A primary key, unique constraint or unique index."""

    name: str
    primary: bool
    constraint: bool
    deferrable: bool
    nulls_distinct: bool
    keys: tuple[str, ...]  # SQL of each key: a quoted column name or an expression
    plain: bool  # every key is a column
    predicate: str | None  # of a partial index
    columns: tuple[str, ...]  # the columns the keys read
    reads: tuple[str, ...]  # these and the predicate's


class ForeignKey(msgspec.Struct, frozen=True, kw_only=True):
    """A reference to another table (or to the same one)."""

    name: str
    match_full: bool
    table_oid: int
    schema: str
    table: str
    partitioned: bool
    guarded: bool  # by row security: ingest may not see a row that PostgreSQL's own check finds
    columns: tuple[str, ...]
    referenced: tuple[str, ...]
    value_type: str | None  # of a single column, where equal values are written alike on both sides


class Exclusion(msgspec.Struct, frozen=True, kw_only=True):
    """An exclusion constraint."""

    name: str
    columns: tuple[str, ...]


class Column(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A column with its type, also below domains (`base…`)."""

    name: str
    type: str  # as it was declared: numeric(10,2), mood, text[]
    base_type: str  # the same below domains
    base: str  # pg_type.typname of the base type: int4, numeric, _text
    kind: Literal["base", "text", "enum", "array", "composite"]
    element: str | None  # typname of an array's elements
    element_kind: Literal["base", "text", "enum", "composite", "domain"] | None
    parts: tuple[str, ...] | None = None  # typnames of a row's fields, or what a domain is
    type_mod: int
    domain: bool
    not_null: bool
    default: str | None
    domain_default: str | None
    generated: str | None
    virtual: bool  # computed when it is read
    identity: Literal["", "a", "d"]
    collation: str | None  # where it is not that of the type
    labels: tuple[str, ...] | None
    domain_checks: tuple[Check, ...] | None
    comment: str | None

    @cached_property
    def read_only(self) -> bool:
        """Whether only PostgreSQL itself may set it."""
        return self.generated is not None or self.identity == "a"

    @cached_property
    def has_default(self) -> bool:
        """Whether a row that leaves it out gets something other than null."""
        return self.default is not None or self.domain_default is not None or self.identity == "d"

    @cached_property
    def constant_default(self) -> str | None:
        """The SQL of a default that all rows of a batch share, None where it may vary."""
        default = self.default or self.domain_default or ""
        return default if _constant.fullmatch(default) else None

    @cached_property
    def varies(self) -> bool:
        """Whether each row that leaves it out gets another value than the last time."""
        if not self.has_default:
            return self.identity != ""
        default = (self.constant_default or "").lstrip("(")
        return not default or default.startswith(("now()", "CURRENT_"))

    @cached_property
    def required(self) -> bool:
        """Whether every row must bring a value."""
        return self.not_null and not self.has_default and not self.read_only

    @cached_property
    def max_length(self) -> int | None:
        """Characters a varchar(n) or char(n) holds; bits of a bit(n)."""
        if self._element_or_base in {"varchar", "bpchar"} and self.type_mod > 4:
            return self.type_mod - 4
        return None

    @cached_property
    def precision_scale(self) -> tuple[int, int] | None:
        """Digits in all and after the point of a numeric(p, s), None where it is unbounded."""
        if self._element_or_base != "numeric" or self.type_mod < 4:
            return None
        packed = self.type_mod - 4
        return packed >> 16 & 0xFFFF, ((packed & 0x7FF) ^ 1024) - 1024

    @cached_property
    def fraction_digits(self) -> int:
        """Digits after the second that a time, timestamp or interval keeps."""
        if self._element_or_base == "interval":
            precision = self.type_mod & 0xFFFF if self.type_mod >= 0 else 6
            return min(precision, 6)
        return self.type_mod if 0 <= self.type_mod <= 6 else 6

    @property
    def _element_or_base(self) -> str:
        return self.element or self.base


class Table(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A table that takes rows."""

    oid: int
    schema: str
    name: str
    comment: str | None
    partitioned: bool
    watched: bool  # by triggers of its own, row security or the like
    clustered: bool  # in a database whose rows may be on several nodes
    ruled: bool  # by rules of its own, with which there is no ON CONFLICT
    copyable: bool  # COPY stores what INSERT would, and nothing is to be returned
    columns: tuple[Column, ...]
    unique_keys: tuple[UniqueKey, ...]
    foreign_keys: tuple[ForeignKey, ...]
    checks: tuple[Check, ...]
    exclusions: tuple[Exclusion, ...]

    @cached_property
    def full_name(self) -> str:
        """The name receipts use: hiring.employees."""
        return f"{self.schema}.{self.name}"

    @cached_property
    def writable(self) -> tuple[Column, ...]:
        """The columns a row may bring."""
        return tuple(column for column in self.columns if not column.read_only)

    @cached_property
    def virtual(self) -> tuple[Column, ...]:
        """The columns that are computed when they are read."""
        return tuple(column for column in self.columns if column.virtual)

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """Every column under its name."""
        return {column.name: column for column in self.columns}

    @cached_property
    def constrained(self) -> dict[str, tuple[str, ...]]:
        """The columns of each of the table's constraints under its name."""
        constraints: list[UniqueKey | ForeignKey | Check | Exclusion] = []
        for kind in (self.unique_keys, self.foreign_keys, self.checks, self.exclusions):
            constraints += kind
        return {one.name: one.columns for one in constraints}

    @cached_property
    def primary_key(self) -> UniqueKey | None:
        """The primary key, where there is one."""
        return next((key for key in self.unique_keys if key.primary), None)


class TableVersion(msgspec.Struct, frozen=True):
    """Which table a name means now, and the figure of its present definition."""

    oid: int
    schema: str
    fingerprint: str


def find_version(connection: Connection, name: str, schemas: list[str]) -> TableVersion:
    """Return what a table's name, qualified or not, means at this moment.

    Raises `TableUnknown` where no exposed table has the name and `TableAmbiguous` where an
    unqualified name is that of tables in several datasets.
    """
    rows = connection.execute(TABLE_VERSIONS, name_parameters(name, schemas))
    return choose_version([TableVersion(*row) for row in rows], name)


def choose_version(versions: list[TableVersion], name: str) -> TableVersion:
    """Return the one table that a name means; raise as `find_version` does."""
    if not versions:
        raise TableUnknown(name=name)
    if len(versions) > 1:
        raise TableAmbiguous(name=name, schemas=sorted(version.schema for version in versions))
    return versions[0]


_decode_table = msgspec.json.Decoder(Table).decode
# See ingest/migrations/0005_table_versions.sql.
TABLE_VERSIONS: LiteralString = (
    "SELECT table_oid, schema_name, fingerprint"
    " FROM service.table_versions(%(name)s, %(schemas)s::name[])"
)


def name_parameters(name: str, schemas: list[str]) -> dict[str, object]:
    """Return the name and the schemas that `service.table_versions` is to look for."""
    schema, dot, table = name.rpartition(".")
    if "\0" in name or len(table.encode("utf-8", "replace")) > MAX_NAME_BYTES:
        raise TableUnknown(name=name)
    if dot:
        # A dot may be part of a table's own name, but a schema's name never holds one here.
        schema, _, table = name.partition(".")
        schemas = [schema] if schema in schemas else []
    return {"name": table, "schemas": schemas}


def read_definition(connection: Connection, oid: int) -> tuple[Table, str]:
    """Return the table with this oid as the catalog describes it now, and that fingerprint.

    While the table is altered the two may contradict each other, or no answer make sense:
    PostgreSQL's catalog functions look at the present, the query around them at the moment it
    began.
    """
    row = connection.execute(read_sql(FOLDER / "table.sql"), {"oid": oid}).fetchone()
    if row is None:
        raise TableUnknown(name=str(oid))
    definition, fingerprint = row
    return _decode_table(definition), fingerprint


def read_tables(
    connection: Connection, schemas: list[str], names: list[str] | None = None
) -> list[Table]:
    """Return every table of the schemas, or those with these names, ordered by schema and name."""
    params = {"schemas": schemas, "names": names}
    oids = connection.execute(read_sql(FOLDER / "tables.sql"), params).fetchall()
    return [read_definition(connection, oid)[0] for (oid,) in oids]
