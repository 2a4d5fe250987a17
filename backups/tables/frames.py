"""A table's rows read as data frames: the SELECT, and its result by COPY through ADBC."""

from collections.abc import Iterator, Sequence
from contextlib import closing

import adbc_driver_postgresql.dbapi as adbc
import nanoarrow
import polars as pl
from nanoarrow._utils import NanoarrowException
from psycopg.sql import SQL, Composed, Identifier, Literal

from backups.avro.schema import Field
from backups.tables.connection import TRANSACTION_SETTINGS

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


def stream_frames(
    conninfo: str, query: str, *, snapshot: str | None = None
) -> Iterator[pl.DataFrame]:
    """Yield the rows of a query, in batches of about `BATCH_BYTES`.

    Runs in a read-only transaction of its own connection, in the exported snapshot if one is
    named. Raises `QueryFailed`.
    """
    try:
        with closing(adbc.connect(conninfo, autocommit=True)) as connection:
            options = {"adbc.postgresql.batch_size_hint_bytes": str(BATCH_BYTES)}
            with closing(connection.cursor(adbc_stmt_kwargs=options)) as cursor:
                _begin(cursor, snapshot)
                cursor.execute(query)
                with closing(nanoarrow.ArrayStream(cursor.fetch_arrow())) as stream:
                    for batch in stream:
                        frame = pl.DataFrame(batch)
                        if len(frame):
                            yield frame
                cursor.execute("COMMIT")
    except (adbc.Error, NanoarrowException) as error:
        raise QueryFailed(str(error)) from error


def _begin(cursor: adbc.Cursor, snapshot: str | None) -> None:
    cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    if snapshot is not None:
        cursor.execute(SQL("SET TRANSACTION SNAPSHOT {}").format(Literal(snapshot)).as_string())
    for name, value in TRANSACTION_SETTINGS.items():
        setting = SQL("SET LOCAL {} = {}").format(Identifier(name), Literal(value))
        cursor.execute(setting.as_string())
