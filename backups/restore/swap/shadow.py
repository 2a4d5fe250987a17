"""A table made and filled beside the one it is to replace, where nobody sees it yet."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psycopg
from psycopg.sql import SQL, Composed, Identifier

from backups.avro.binary_rows import can_encode
from backups.avro.prefetch import prefetch
from backups.avro.rows import RowCodec
from backups.avro.select_rows import carry_column, select_rows
from backups.child.reading import TableReader
from backups.errors import RestoreRefused
from backups.tables import ddl
from backups.tables.catalog import search_in
from backups.tables.connection import admin_conninfo, be_exact
from backups.tables.definition import TableDefinition
from backups.tables.frames import QueryFailed, stream_frames

Progress = Callable[[int], None]
SHADOW_PREFIX = "restore_"
UNDO_PREFIX = "undo_"
STAGING_PREFIX = "staging_"
_NAME_BYTES = 63


def shadow_schema(schema: str) -> str:
    """Return where tables are made that will replace a schema's."""
    return f"{SHADOW_PREFIX}{schema}"[:_NAME_BYTES]


def undo_schema(schema: str) -> str:
    """Return where the tables are kept that were replaced."""
    return f"{UNDO_PREFIX}{schema}"[:_NAME_BYTES]


def staging_schema(schema: str) -> str:
    """Return where a partitioned table's rows wait until their partitions are made."""
    return f"{STAGING_PREFIX}{schema}"[:_NAME_BYTES]


@dataclass(frozen=True)
class Shadow:
    """A filled shadow table: its definition, and what its rows must read like."""

    definition: TableDefinition
    schema: str
    rows: int
    content_sha256: str
    check_query: str
    codec: RowCodec


def clear_shadows(connection: psycopg.Connection, schemas: set[str]) -> None:
    """Remove what earlier restores left, and make room for a new one."""
    for schema in schemas:
        for name in (shadow_schema(schema), staging_schema(schema)):
            connection.execute(SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(Identifier(name)))


def build_shadow(
    connection: psycopg.Connection,
    reader: TableReader,
    definition: TableDefinition,
    progress: Progress,
    *,
    own_sequences: bool,
) -> Shadow:
    """Make the table in the shadow schema, fill it, and commit.

    COPY FREEZE makes the rows visible to everyone at once, also to a reader whose snapshot is
    older. `own_sequences`: make serial columns' sequences too, for there are none to share.
    """
    load = _Load(connection, reader, definition, progress)
    with connection.transaction():
        load.prepare(own_sequences=own_sequences)
        if definition.partition_key is None:
            load.copy_in(Identifier(load.schema, definition.table), freeze=True)
            return load.finish()
        load.make_staging()
    with connection.transaction():
        load.fill_partitions()
        return load.finish()


def check_content(shadow: Shadow) -> None:
    """Read the shadow table as a backup would; raise `RestoreRefused` unless it is the file's."""
    digest = hashlib.sha256()
    rows = 0
    try:
        for carried in prefetch(stream_frames(admin_conninfo(), shadow.check_query)):
            frame = shadow.codec.take(carried)
            digest.update(shadow.codec.encode(frame))
            rows += len(frame)
    except QueryFailed as error:
        raise RestoreRefused(
            f"{shadow.definition.full_name}: what was loaded cannot be compared: {error}",
            table=shadow.definition.full_name,
        ) from error
    if (rows, digest.hexdigest()) != (shadow.rows, shadow.content_sha256):
        raise RestoreRefused(
            f"{shadow.definition.full_name}: what was loaded ({rows} rows) is not what the backup "
            f"holds ({shadow.rows} rows): some values do not fit the table's types any more",
            table=shadow.definition.full_name,
        )


class _Load:
    def __init__(
        self,
        connection: psycopg.Connection,
        reader: TableReader,
        definition: TableDefinition,
        progress: Progress,
    ) -> None:
        self._connection = connection
        self._reader = reader
        self._definition = definition
        self._progress = progress
        self.schema = shadow_schema(definition.schema)
        self._places = loaded_places(reader, definition)
        self._fields = [reader.schema.fields[place] for place in self._places]

    def prepare(self, *, own_sequences: bool) -> None:
        be_exact(self._connection)
        self._execute(SQL("CREATE SCHEMA IF NOT EXISTS {}").format(Identifier(self.schema)))
        search_in(self._connection, self.schema, self._definition.schema)
        serial = [one for one in self._definition.sequences if not one.identity]
        if own_sequences:
            for sequence in serial:
                self._execute(ddl.create_sequence(sequence, self.schema))
        self._execute(ddl.create_table(self._definition, self.schema))
        if own_sequences:
            for sequence in serial:
                self._execute(ddl.own_sequence(sequence, self.schema, self._definition.table))

    def copy_in(self, target: Identifier, *, freeze: bool) -> None:
        columns = SQL(", ").join(Identifier(field.column) for field in self._fields)
        binary = self._is_unchanged() and can_encode(self._fields)
        statement = SQL("COPY {} ({}) FROM STDIN WITH (FORMAT {}, FREEZE {})").format(
            target, columns, SQL("binary" if binary else "text"), SQL("on" if freeze else "off")
        )
        with self._connection.cursor().copy(statement) as copy:
            for part in self._reader.values(self._places, binary=binary, progress=self._progress):
                copy.write(part)

    def _is_unchanged(self) -> bool:
        """Return whether the columns have the types they had: text can be read as another one."""
        types = {column.name: column.type for column in self._definition.columns}
        return all(types[field.column] == field.type for field in self._fields)

    def make_staging(self) -> None:
        """Have PostgreSQL sort the rows into partitions, in tables that are thrown away."""
        staging = staging_schema(self._definition.schema)
        self._execute(SQL("CREATE SCHEMA {}").format(Identifier(staging)))
        for leaf in (None, *self._definition.partitions):
            name = leaf.table if leaf else self._definition.table
            self._execute(
                SQL("CREATE UNLOGGED TABLE {} (LIKE {})").format(
                    Identifier(staging, name), Identifier(self.schema, self._definition.table)
                )
                if leaf and leaf.partition_key is None
                else self._staging_parent(staging, name)
            )
        for leaf in self._definition.partitions:
            self._execute(ddl.attach_leaf(leaf, staging))
        self.copy_in(Identifier(staging, self._definition.table), freeze=False)

    def _staging_parent(self, staging: str, name: str) -> Composed:
        keys = {leaf.table: leaf.partition_key for leaf in self._definition.partitions}
        key = keys.get(name) or self._definition.partition_key
        return SQL("CREATE TABLE {} (LIKE {}) PARTITION BY {}").format(
            Identifier(staging, name),
            Identifier(self.schema, self._definition.table),
            ddl.written(str(key)),
        )

    def fill_partitions(self) -> None:
        """Make every partition, fill it with COPY FREEZE, which a parent does not take, attach."""
        be_exact(self._connection)
        search_in(self._connection, self.schema, self._definition.schema)
        staging = staging_schema(self._definition.schema)
        columns = SQL(", ").join(Identifier(field.column) for field in self._fields)
        with psycopg.connect(admin_conninfo(), prepare_threshold=None) as source:
            be_exact(source)
            for leaf in self._definition.partitions:
                self._execute(ddl.create_leaf(self._definition, leaf, self.schema))
                if leaf.partition_key is None:
                    self._copy_across(source, columns, Identifier(staging, leaf.table), leaf.table)
        for leaf in self._definition.partitions:
            self._execute(ddl.attach_leaf(leaf, self.schema))

    def _copy_across(
        self,
        source: psycopg.Connection,
        columns: Composed,
        origin: Identifier,
        leaf: str,
    ) -> None:
        out = SQL("COPY (SELECT {} FROM {}) TO STDOUT WITH (FORMAT binary)").format(columns, origin)
        into = SQL("COPY {} ({}) FROM STDIN WITH (FORMAT binary, FREEZE)").format(
            Identifier(self.schema, leaf), columns
        )
        with source.cursor().copy(out) as read, self._connection.cursor().copy(into) as write:
            for chunk in read:
                write.write(chunk)

    def finish(self) -> Shadow:
        """Return the filled shadow, with the query that reads it back as the file's types."""
        types = {column.name: column.type for column in self._definition.columns}
        expressions = [
            carry_column(
                field,
                cast_to=None if types[field.column] == field.type else self._qualify(field.type),
            )
            for field in self._fields
        ]
        query = select_rows(expressions, Identifier(self.schema, self._definition.table))
        return Shadow(
            self._definition,
            self.schema,
            self._reader.rows,
            self._reader.content_sha256,
            query.as_string(self._connection),
            RowCodec(tuple(self._fields)),
        )

    def _qualify(self, type_name: str) -> str | None:
        """Return a type as it is named where no schema is searched; None where it is gone."""
        if "(" in type_name:  # only PostgreSQL's own types have modifiers
            return type_name
        row = self._connection.execute("SELECT to_regtype(%s)::oid", [type_name]).fetchone()
        if row is None or row[0] is None:
            return None
        search_in(self._connection, "pg_catalog")
        named = self._connection.execute("SELECT format_type(%s, NULL)", [row[0]]).fetchone()
        search_in(self._connection, self.schema, self._definition.schema)
        return str(named[0]) if named else None

    def _execute(self, statement: Composed) -> None:
        self._connection.execute(statement)


def loaded_places(reader: TableReader, definition: TableDefinition) -> Sequence[int]:
    """Return the places of the file's columns that the table takes."""
    takes = {column.name for column in definition.columns if column.generated is None}
    return [place for place, field in enumerate(reader.schema.fields) if field.column in takes]


def count_rows(connection: psycopg.Connection, schema: str, table: str) -> int:
    """Return how many rows a table has."""
    statement = SQL("SELECT count(*) FROM {}").format(Identifier(schema, table))
    return int(connection.execute(statement).fetchone()[0])  # type: ignore[index]
