"""A shadow table: created and filled in another schema, to be moved to its own later."""

import hashlib
from dataclasses import dataclass

import psycopg
from psycopg.sql import SQL, Composed, Identifier

from backups.avro.rows import RowCodec
from backups.child.table_reader import TableReader
from backups.errors import RestoreRefused
from backups.prefetch import prefetch
from backups.progress import Progress
from backups.restore.file_copy import FileCopy
from backups.tables import ddl
from backups.tables.catalog import set_search_path
from backups.tables.connection import (
    configure_transaction,
    execute_alone,
    restorer_conninfo,
)
from backups.tables.definition import TableDefinition
from backups.tables.frames import QueryFailed, select_column, select_rows, stream_frames
from ingest.catalog.definitions import MAX_NAME_BYTES

SHADOW_PREFIX = "restore_"
UNDO_PREFIX = "undo_"
STAGING_PREFIX = "staging_"


def shadow_schema(schema: str) -> str:
    """Return the schema of the tables that are made for a schema, and of what changes in it."""
    return f"{SHADOW_PREFIX}{schema}"[:MAX_NAME_BYTES]


def undo_schema(schema: str) -> str:
    """Return the schema of the rows that undo restores."""
    return f"{UNDO_PREFIX}{schema}"[:MAX_NAME_BYTES]


def staging_schema(schema: str) -> str:
    """Return the schema of rows that are loaded to be written to other tables."""
    return f"{STAGING_PREFIX}{schema}"[:MAX_NAME_BYTES]


@dataclass(frozen=True)
class Shadow:
    """A filled shadow table: its definition, and what reading its rows must return."""

    definition: TableDefinition
    schema: str
    rows: int
    content_sha256: str
    check_query: str
    codec: RowCodec
    keys_not_found: tuple[str, ...] = ()


def clear_shadows(connection: psycopg.Connection, schemas: set[str]) -> None:
    """Drop what earlier restores left."""
    for schema in schemas:
        for name in (shadow_schema(schema), staging_schema(schema)):
            connection.execute(SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(Identifier(name)))


def make_shadow_schemas(connection: psycopg.Connection, schemas: set[str], *, owner: str) -> None:
    """Make the schemas that shadow tables are built in, empty, for the role that builds them."""
    clear_shadows(connection, schemas)
    for schema in schemas:
        for name in (shadow_schema(schema), staging_schema(schema)):
            statement = SQL("CREATE SCHEMA {} AUTHORIZATION {}")
            connection.execute(statement.format(Identifier(name), Identifier(owner)))


def build_shadow(
    connection: psycopg.Connection,
    reader: TableReader,
    definition: TableDefinition,
    progress: Progress,
) -> Shadow:
    """Create the table in the shadow schema, fill it, and commit.

    COPY FREEZE makes the rows visible to everyone at once, also to a reader whose snapshot is
    older.
    """
    build = _Build(FileCopy(connection, reader, definition, progress))
    with connection.transaction():
        build.prepare()
        if definition.partition_key is None:
            build.copy_in(build.schema)
            return build.finish()
        build.make_staging()
    with connection.transaction():
        build.fill_partitions()
        return build.finish()


def check_content(shadow: Shadow) -> None:
    """Read the shadow table as a backup would; raise `RestoreRefused` unless it is the file's."""
    digest = hashlib.sha256()
    rows = 0
    try:
        for selected in prefetch(stream_frames(restorer_conninfo(), shadow.check_query)):
            frame = shadow.codec.to_primitives(selected)
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


class _Build:
    def __init__(self, file: FileCopy) -> None:
        self._file = file
        self._connection = file.connection
        self._definition = file.definition
        self.schema = shadow_schema(file.definition.schema)

    def prepare(self) -> None:
        configure_transaction(self._connection)
        set_search_path(self._connection, self.schema, self._definition.schema)
        serial = [one for one in self._definition.sequences if not one.identity]
        for sequence in serial:
            self._execute(ddl.create_sequence(sequence, self.schema))
        self._execute(ddl.create_table(self._definition, self.schema))
        for sequence in serial:
            self._execute(ddl.own_sequence(sequence, self.schema, self._definition.table))

    def copy_in(self, schema: str, *, freeze: bool = True) -> None:
        target = Identifier(schema, self._definition.table)
        self._file.copy_in(target, as_text=bool(self._file.retyped), freeze=freeze)

    def make_staging(self) -> None:
        """Have PostgreSQL route the rows to partitions, in tables that are dropped later."""
        staging = staging_schema(self._definition.schema)
        for partition in (None, *self._definition.partitions):
            name = partition.table if partition else self._definition.table
            self._execute(
                SQL("CREATE UNLOGGED TABLE {} (LIKE {})").format(
                    Identifier(staging, name), Identifier(self.schema, self._definition.table)
                )
                if partition and partition.partition_key is None
                else self._staging_parent(staging, name)
            )
        for partition in self._definition.partitions:
            self._execute(ddl.attach_partition(partition, staging))
        self.copy_in(staging, freeze=False)

    def _staging_parent(self, staging: str, name: str) -> Composed:
        keys = {
            partition.table: partition.partition_key for partition in self._definition.partitions
        }
        key = keys.get(name) or self._definition.partition_key
        return SQL("CREATE TABLE {} (LIKE {}) PARTITION BY {}").format(
            Identifier(staging, name),
            Identifier(self.schema, self._definition.table),
            ddl.raw_sql(str(key)),
        )

    def fill_partitions(self) -> None:
        """Create, fill and attach every partition; COPY FREEZE works on them, not on the parent."""
        configure_transaction(self._connection)
        set_search_path(self._connection, self.schema, self._definition.schema)
        staging = staging_schema(self._definition.schema)
        columns = SQL(", ").join(Identifier(field.column) for field in self._file.fields)
        with psycopg.connect(restorer_conninfo(), prepare_threshold=None) as source:
            configure_transaction(source)
            for partition in self._definition.partitions:
                self._execute(ddl.create_partition(self._definition, partition, self.schema))
                if partition.partition_key is None:
                    self._copy_across(
                        source, columns, Identifier(staging, partition.table), partition.table
                    )
        for partition in self._definition.partitions:
            self._execute(ddl.attach_partition(partition, self.schema))

    def _copy_across(
        self,
        source: psycopg.Connection,
        columns: Composed,
        origin: Identifier,
        partition: str,
    ) -> None:
        out = SQL("COPY (SELECT {} FROM {}) TO STDOUT WITH (FORMAT binary)").format(columns, origin)
        into = SQL("COPY {} ({}) FROM STDIN WITH (FORMAT binary, FREEZE)").format(
            Identifier(self.schema, partition), columns
        )
        with source.cursor().copy(out) as read, self._connection.cursor().copy(into) as write:
            for chunk in read:
                write.write(chunk)

    def finish(self) -> Shadow:
        """Return the filled shadow, with the query that reads it back as the file's types."""
        file = self._file
        expressions = [
            select_column(
                field, cast_to=self._qualify(field.type) if field in file.retyped else None
            )
            for field in file.fields
        ]
        query = select_rows(expressions, Identifier(self.schema, self._definition.table))
        return Shadow(
            self._definition,
            self.schema,
            file.reader.rows,
            file.reader.content_sha256,
            query.as_string(self._connection),
            RowCodec(tuple(file.fields)),
        )

    def _qualify(self, type_name: str) -> str | None:
        """Return a type as it is named where no schema is searched; None where it is gone."""
        row = self._connection.execute("SELECT to_regtype(%s)::oid", [type_name]).fetchone()
        if row is None or row[0] is None:
            return None
        if "(" in type_name:  # only PostgreSQL's own types have modifiers
            return type_name
        set_search_path(self._connection, "pg_catalog")
        named = self._connection.execute("SELECT format_type(%s, NULL)", [row[0]]).fetchone()
        set_search_path(self._connection, self.schema, self._definition.schema)
        return str(named[0]) if named else None

    def _execute(self, statement: Composed) -> None:
        execute_alone(self._connection, statement)
