"""An exported snapshot, shared by every connection that takes part in a backup."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import psycopg
from psycopg.sql import Identifier

from backups.avro.schema import FileSchema
from backups.tables.catalog import set_search_path
from backups.tables.connection import configure_transaction, reader_conninfo
from backups.tables.frames import select_column, select_rows
from ingest.catalog.definitions import Table, read_tables

# What Rowhouse records about ingested rows; keys, accounts and sessions are not backed up.
SERVICE_SCHEMA = "service"
SERVICE_TABLES = ("batch", "rejection")


@dataclass(frozen=True)
class Snapshot:
    """A transaction that exports its snapshot; other connections import it by `name`."""

    connection: psycopg.Connection
    name: str
    taken_at: datetime
    last_batch: UUID | None
    postgresql_version: str
    next_transaction: int

    def read_tables(self, schemas: list[str]) -> list[Table]:
        """Return the tables of the datasets and those of Rowhouse's receipts."""
        tables = []
        for schema in schemas:
            # A type of the table's own schema is then named as in the definition, without schema.
            set_search_path(self.connection, schema)
            tables += read_tables(self.connection, [schema])
        tables += read_tables(self.connection, [SERVICE_SCHEMA], list(SERVICE_TABLES))
        return [table for table in tables if table.columns]

    def query_text(self, schema: FileSchema) -> str:
        """Return the SELECT of every row of a table, as its file stores them."""
        columns = [select_column(field) for field in schema.fields]
        query = select_rows(columns, Identifier(schema.schema, schema.table))
        return query.as_string(self.connection)


@contextmanager
def take_snapshot() -> Iterator[Snapshot]:
    """Hold a snapshot of the database until the block ends."""
    with psycopg.connect(reader_conninfo(), autocommit=True, prepare_threshold=None) as connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        configure_transaction(connection)
        row = connection.execute(
            "SELECT pg_export_snapshot(), now(), current_setting('server_version'),"
            " (SELECT id FROM service.batch ORDER BY id DESC LIMIT 1),"
            " pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
        ).fetchone()
        name, taken_at, version, last_batch, transaction = row  # type: ignore[misc]
        yield Snapshot(connection, name, taken_at, last_batch, version, transaction)
        connection.execute("COMMIT")
