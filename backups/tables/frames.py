"""A table's rows read as data frames: the SELECT, and its result by COPY through ADBC."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

import adbc_driver_postgresql.dbapi as adbc
import nanoarrow
import polars as pl
from nanoarrow._utils import NanoarrowException
from psycopg.sql import SQL, Composed, Identifier, Literal

from backups.avro.schema import Field
from backups.tables.connection import TRANSACTION_SETTINGS, with_plain_names

# Each batch becomes one Avro block, which a reader holds in memory as a whole.
BATCH_BYTES = 2 << 20


class QueryFailed(Exception):
    """A query failed, or the connection to PostgreSQL was lost."""


def select_column(field: Field, *, cast_to: str | None = None) -> Composed:
    """Return the SQL of a column's primitive values, of the column cast to another type first."""
    value: Composed | Identifier = Identifier(field.column)
    if cast_to is not None:
        value = SQL("({})::{}").format(value, SQL(cast_to))
    return SQL(field.adapter.select).format(value, Literal(field.adapter.factor))


def select_rows(columns: Sequence[Composed], table: Identifier) -> Composed:
    """Return the SELECT of a table's columns, named by their positions."""
    named = SQL(", ").join(
        SQL("{} AS {}").format(column, Identifier(f"f{position}"))
        for position, column in enumerate(columns)
    )
    return SQL("SELECT {} FROM {}").format(named, table)


def stream_frames(conninfo: str, query: str) -> Iterator[pl.DataFrame]:
    """Yield the rows of a query, in batches of about `BATCH_BYTES`.

    Runs in a read-only transaction of its own connection. Raises `QueryFailed`.
    """
    with closing(SnapshotReader(conninfo)) as reader:
        yield from reader.stream(query)


class SnapshotReader:
    """A connection with a read-only transaction, in the exported snapshot if one is named."""

    def __init__(self, conninfo: str, snapshot: str | None = None) -> None:
        with _translate_errors():
            self._connection = adbc.connect(with_plain_names(conninfo), autocommit=True)
        try:
            self._execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            if snapshot is not None:
                given = SQL("SET TRANSACTION SNAPSHOT {}").format(Literal(snapshot))
                self._execute(given.as_string())
            for name, value in TRANSACTION_SETTINGS.items():
                setting = SQL("SET LOCAL {} = {}").format(Identifier(name), Literal(value))
                self._execute(setting.as_string())
        except QueryFailed:
            self.close()
            raise

    def lock(self, tables: Sequence[Identifier]) -> None:
        """Hold ACCESS SHARE on the tables; raise `QueryFailed` where that takes waiting."""
        if tables:
            names = SQL(", ").join(tables)
            lock = SQL("LOCK TABLE {} IN ACCESS SHARE MODE NOWAIT").format(names)
            self._execute(lock.as_string())

    def stream(self, query: str) -> Iterator[pl.DataFrame]:
        """Yield the rows of a query in batches; whatever happens, the locks stay.

        Raises `QueryFailed`.
        """
        self._execute("SAVEPOINT query")
        try:
            with _translate_errors(), closing(self._open_cursor()) as cursor:
                cursor.execute(query)
                with closing(nanoarrow.ArrayStream(cursor.fetch_arrow())) as stream:
                    for batch in stream:
                        frame = pl.DataFrame(batch)
                        if len(frame):
                            yield frame
        finally:
            self._execute("ROLLBACK TO SAVEPOINT query")

    def close(self) -> None:
        """End the transaction."""
        self._connection.close()

    def _open_cursor(self) -> adbc.Cursor:
        options = {"adbc.postgresql.batch_size_hint_bytes": str(BATCH_BYTES)}
        return self._connection.cursor(adbc_stmt_kwargs=options)

    def _execute(self, statement: str) -> None:
        with _translate_errors(), closing(self._connection.cursor()) as cursor:
            cursor.execute(statement)


@contextmanager
def _translate_errors() -> Iterator[None]:
    try:
        yield
    except (adbc.Error, NanoarrowException) as error:
        raise QueryFailed(str(error)) from error
