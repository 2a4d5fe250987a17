"""Rows of files appended to a table by ingest, so that each has one recorded outcome."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import msgspec
import psycopg
from django.conf import settings
from psycopg import Connection
from psycopg.sql import SQL, Composable, Identifier

from backups.child.table_reader import TableReader
from backups.progress import Progress
from backups.restore.selection import RowSelection
from backups.tables.catalog import set_search_path
from backups.tables.connection import configure_transaction, connect_restorer, execute_alone
from backups.tables.ddl import raw_sql
from ingest.catalog.definitions import Column
from ingest.outcome import OnConflict, Receipt, ReceiptRejection
from ingest.payload.payload import RowList
from ingest.writing.batch import ingest_batch
from ingest.writing.request import BatchRequest
from ingest.writing.tables import exposed_tables
from project.base.database import writer_connection

KEY_PREFIX = "restore"
STAGING = "rowhouse_staging"


class RejectionCount(msgspec.Struct, frozen=True):
    """In how many rows an error of one kind was found, and what it said of the first of them."""

    code: str
    columns: tuple[str, ...]
    rows: int
    message: str


class AppendReport(msgspec.Struct, frozen=True):
    """How many rows were appended, with which outcome."""

    inserted: int = 0
    updated: int = 0
    ignored: int = 0
    rejected: int = 0
    reasons: tuple[RejectionCount, ...] = ()

    def add(self, receipt: Receipt) -> "AppendReport":
        """Return the report with the rows of one more batch."""
        return AppendReport(
            self.inserted + receipt.inserted,
            self.updated + receipt.updated,
            self.ignored + receipt.ignored,
            self.rejected + receipt.rejected,
            self._count_reasons(receipt.rejections),
        )

    def _count_reasons(self, rejections: Sequence[ReceiptRejection]) -> tuple[RejectionCount, ...]:
        counts = {(one.code, one.columns): one for one in self.reasons}
        for rejection in rejections:
            # An array may have several errors of a kind.
            found = {(error.code, error.concerns): error.message for error in rejection.errors}
            for kind, message in found.items():
                known = counts.get(kind, RejectionCount(*kind, 0, message))
                counts[kind] = msgspec.structs.replace(known, rows=known.rows + 1)
        return tuple(counts.values())


def append_rows(
    table: str,
    sent: Iterable[bytes],
    *,
    on_conflict: OnConflict,
    progress: Progress,
    dry_run: bool = False,
) -> AppendReport:
    """Ingest rows, given as JSON objects, in batches; rows that do not fit are rejected."""
    report = AppendReport()
    source = iter(sent)
    ingest = settings.CONFIG.ingest
    request = BatchRequest(
        table=table,
        key_prefix=KEY_PREFIX,
        on_conflict=on_conflict,
        dry_run=dry_run,
        max_raw_bytes=ingest.max_raw_bytes,
    )
    while texts := list(islice(source, ingest.max_rows)):
        rows = RowList(texts, is_strict=True)
        receipt = ingest_batch(writer_connection, exposed_tables(), request, rows).receipt
        report = report.add(receipt)
        progress.add_rows(len(texts))
    return report


def append_backup(
    reader: TableReader,
    *,
    selection: RowSelection | None,
    on_conflict: OnConflict,
    progress: Progress,
) -> AppendReport:
    """Append a backup's rows to the table they came from, as it is now.

    Columns that only PostgreSQL may set are left out, and those that the table no longer has.
    """
    table = reader.entry.full_name
    with connect_restorer() as connection:
        known = exposed_tables().find_current(writer_connection(), table)
        with connection.transaction(force_rollback=True):
            _fill_staging(connection, reader)
            stored = {field.column for field in reader.schema.fields}
            shared = [column for column in known.table.writable if column.name in stored]
            rows = _read_json(connection, shared, selection)
            return append_rows(table, rows, on_conflict=on_conflict, progress=progress)


def _fill_staging(connection: Connection, reader: TableReader) -> None:
    """Copy a file's rows to a temporary table of the types they were written with.

    Runs in the caller's transaction. A type that no longer exists is replaced by text.
    """
    configure_transaction(connection)
    set_search_path(connection, reader.schema.schema)
    columns = [
        SQL("{} {}").format(
            Identifier(field.column), raw_sql(_existing_type(connection, field.type))
        )
        for field in reader.schema.fields
    ]
    execute_alone(
        connection,
        SQL("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DROP").format(
            Identifier(STAGING), SQL(", ").join(columns)
        ),
    )
    statement = SQL("COPY {} FROM STDIN").format(Identifier(STAGING))
    with connection.cursor().copy(statement) as copy:
        for text in reader.values(range(len(columns))):
            copy.write(text)


def _existing_type(connection: Connection, type_name: str) -> str:
    row = connection.execute("SELECT to_regtype(%s)", [type_name]).fetchone()
    return type_name if row and row[0] is not None else "text"


def _read_json(
    connection: Connection, columns: Sequence[Column], selection: RowSelection | None
) -> Iterator[bytes]:
    """Yield the rows of the staging table that are selected as the ingest endpoint takes them."""
    values = SQL(", ").join(_json_value(column) for column in columns)
    selected = selection.names("s") if selection else SQL("true")
    statement = SQL("SELECT row_to_json(one)::text FROM (SELECT {} FROM {} s WHERE {}) one").format(
        values, Identifier(STAGING), selected
    )
    connection.execute("SELECT set_config('intervalstyle', 'iso_8601', true)")
    with psycopg.ServerCursor(connection, "rowhouse_append") as cursor:
        cursor.itersize = settings.CONFIG.ingest.max_rows
        cursor.execute(statement)
        for (text,) in cursor:
            yield text.encode()


def _json_value(column: Column) -> Composable:
    name = Identifier(column.name)
    if column.base == "bytea":
        return SQL("translate(encode({0}, 'base64'), E'\\n', '') AS {0}").format(name)
    if column.base == "numeric":
        return SQL("{0}::text AS {0}").format(name)
    return name
