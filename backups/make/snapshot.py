"""An exported snapshot whose tables are locked, shared by every connection of a backup."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import psycopg
from psycopg.sql import SQL, Identifier

from backups.avro.schema import FileSchema
from backups.errors import TablesBusy
from backups.tables.catalog import set_search_path
from backups.tables.connection import configure_transaction, reader_conninfo, with_plain_names
from backups.tables.frames import QueryFailed, SnapshotReader, select_column, select_rows
from ingest.catalog.definitions import Table, read_definition

# What Rowhouse records about ingested rows; keys, accounts and sessions are not backed up.
SERVICE_SCHEMA = "service"
SERVICE_TABLES = ("batch", "rejection")

# How often others may create or drop a table, or wait for its lock, while the snapshot is taken.
MAX_TRIES = 20

_LIST_TABLES = """
SELECT c.oid::bigint, n.nspname, c.relname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND (n.nspname = ANY (%s) OR n.nspname = %s AND c.relname = ANY (%s))
  AND EXISTS (SELECT FROM pg_attribute a
              WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
ORDER BY c.oid
"""


@dataclass(frozen=True)
class TableName:
    """A table as a snapshot knows it."""

    oid: int
    schema: str
    name: str

    @property
    def full_name(self) -> str:
        """The name people use: hiring.employees."""
        return f"{self.schema}.{self.name}"

    @property
    def identifier(self) -> Identifier:
        """The name in SQL."""
        return Identifier(self.schema, self.name)


Choose = Callable[[Sequence[TableName]], list[TableName]]


@dataclass(frozen=True)
class Snapshot:
    """A transaction that exports its snapshot, and the connections that import it.

    Each of them holds ACCESS SHARE on all `tables`. `failures` has the tables that could not be
    locked, with the reason.
    """

    connection: psycopg.Connection
    readers: Sequence[SnapshotReader]
    tables: Sequence[TableName]
    failures: dict[str, str]
    taken_at: datetime
    last_batch: UUID | None
    postgresql_version: str
    next_transaction: int
    name: str  # for others that import it

    def read_table(self, table: TableName) -> Table:
        """Return what the catalog says of a table."""
        # A type of the table's own schema is then named as in the definition, without schema.
        set_search_path(self.connection, table.schema)
        return read_definition(self.connection, table.oid)[0]

    def query_text(self, schema: FileSchema) -> str:
        """Return the SELECT of every row of a table, as its file stores them."""
        columns = [select_column(field) for field in schema.fields]
        query = select_rows(columns, Identifier(schema.schema, schema.table))
        return query.as_string(self.connection)


@contextmanager
def take_snapshot(schemas: list[str], choose: Choose, *, readers: int) -> Iterator[Snapshot]:
    """Hold a snapshot of the tables that `choose` returns until the block ends.

    The tables are locked before the snapshot is taken: TRUNCATE or a new type of a column, which
    older snapshots see, has happened before or waits for the end. Raises `TablesBusy`.
    """
    for _ in range(MAX_TRIES):
        with ExitStack() as stack:
            snapshot = _Try(stack, schemas, choose, readers).take()
            if snapshot is not None:
                yield snapshot
                snapshot.connection.execute("COMMIT")
                return
    raise TablesBusy("Tables were changed or locked by others all the time")


@dataclass
class _Try:
    """One try to lock all tables and to see the same ones in the snapshot."""

    stack: ExitStack
    schemas: list[str]
    choose: Choose
    readers: int
    failures: dict[str, str] = field(default_factory=dict)

    def take(self) -> Snapshot | None:
        """Return the snapshot, None where others changed or wait for a table meanwhile."""
        conninfo = with_plain_names(reader_conninfo())
        connection = self.stack.enter_context(
            psycopg.connect(conninfo, autocommit=True, prepare_threshold=None)
        )
        chosen = self.choose(self._list_tables(connection))
        # LOCK TABLE takes no snapshot: the first SELECT does.
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        configure_transaction(connection)
        try:
            locked = [table for table in chosen if self._lock(connection, table)]
        except (psycopg.errors.UndefinedTable, psycopg.errors.DeadlockDetected):
            return None
        row = connection.execute(
            # now() is when the locks were asked for.
            "SELECT pg_export_snapshot(), statement_timestamp(), current_setting('server_version'),"
            " (SELECT id FROM service.batch ORDER BY id DESC LIMIT 1),"
            " pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
        ).fetchone()
        name, taken_at, version, last_batch, transaction = row  # type: ignore[misc]
        if self.choose(self._list_tables(connection)) != chosen:
            return None
        readers = self._open_readers(name, [table.identifier for table in locked])
        if readers is None:
            return None
        return Snapshot(
            *(connection, readers, locked, self.failures),
            *(taken_at, last_batch, version, transaction, name),
        )

    def _list_tables(self, connection: psycopg.Connection) -> list[TableName]:
        parameters = [self.schemas, SERVICE_SCHEMA, list(SERVICE_TABLES)]
        return [TableName(*row) for row in connection.execute(_LIST_TABLES, parameters)]

    def _lock(self, connection: psycopg.Connection, table: TableName) -> bool:
        try:
            with connection.transaction():
                statement = SQL("LOCK TABLE {} IN ACCESS SHARE MODE")
                connection.execute(statement.format(table.identifier))
        except (psycopg.errors.LockNotAvailable, psycopg.errors.InsufficientPrivilege) as error:
            self.failures[table.full_name] = error.diag.message_primary or str(error)
            return False
        return True

    def _open_readers(
        self, snapshot: str, tables: Sequence[Identifier]
    ) -> list[SnapshotReader] | None:
        """Return the connections that read; None where others wait for a table's lock.

        They would wait behind those, which wait for the lock that is held here.
        """
        opened = []
        for _ in range(self.readers):
            reader = SnapshotReader(reader_conninfo(), snapshot)
            self.stack.callback(reader.close)
            try:
                reader.lock(tables)
            except QueryFailed:
                return None
            opened.append(reader)
        return opened
