"""One moment of the database, shared by every connection that takes part in a backup."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import psycopg

from backups.avro.schema import FileSchema
from backups.avro.select_rows import select_table
from backups.tables.catalog import read_definition, search_in
from backups.tables.connection import be_exact, reader_conninfo
from backups.tables.definition import TableDefinition
from ingest.catalog.definitions import Table, read_tables

# What Rowhouse keeps about ingested rows; keys, accounts and sessions are not for backups.
SERVICE_SCHEMA = "service"
SERVICE_TABLES = ("batch", "rejection")


@dataclass(frozen=True)
class Snapshot:
    """A transaction that keeps the moment; `name` lets other connections join it."""

    connection: psycopg.Connection
    name: str
    taken_at: datetime
    last_batch: UUID | None
    postgresql_version: str
    next_transaction: int

    def read_tables(self, schemas: list[str]) -> list[Table]:
        """Return the tables of the datasets and Rowhouse's receipts, as they are in the moment."""
        tables = []
        for schema in schemas:
            # A type of the table's own schema is named alike here and in the definition.
            search_in(self.connection, schema)
            tables += read_tables(self.connection, [schema])
        tables += read_tables(self.connection, [SERVICE_SCHEMA], list(SERVICE_TABLES))
        return [table for table in tables if table.columns]

    def read_definition(self, table: Table) -> TableDefinition:
        """Return everything about a table but its rows."""
        return read_definition(self.connection, table.oid, table.schema)

    def query_text(self, schema: FileSchema) -> str:
        """Return the statement that carries a table's rows."""
        return select_table(schema).as_string(self.connection)


@contextmanager
def take_snapshot() -> Iterator[Snapshot]:
    """Hold one moment of the database until the block ends."""
    with psycopg.connect(reader_conninfo(), autocommit=True, prepare_threshold=None) as connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        be_exact(connection)
        row = connection.execute(
            "SELECT pg_export_snapshot(), now(), current_setting('server_version'),"
            " (SELECT id FROM service.batch ORDER BY id DESC LIMIT 1),"
            " pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
        ).fetchone()
        name, taken_at, version, last_batch, transaction = row  # type: ignore[misc]
        yield Snapshot(connection, name, taken_at, last_batch, version, transaction)
        connection.execute("COMMIT")
