"""A file's rows loaded beside the table they are compared with, as values of its types."""

from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier, Literal

from backups.avro.schema import Field
from backups.child.table_reader import TableReader
from backups.progress import Progress
from backups.restore.creation.shadow import staging_schema
from backups.restore.file_copy import FileCopy
from backups.restore.inplace.table import LiveTable
from backups.tables.catalog import set_search_path
from backups.tables.connection import configure_transaction
from backups.tables.ddl import raw_sql
from project.base.sql_files import read_sql

FOLDER = Path(__file__).parent / "sql"
UNFIT = Identifier("rowhouse_unfit")

# Errors of COPY that a value causes.
_BAD_VALUE = (psycopg.DataError, psycopg.IntegrityError)


@dataclass(frozen=True)
class FileRows:
    """A table of the rows; the column `UNFIT`, if any, names the columns of values left out."""

    table: Identifier
    columns: tuple[str, ...]
    rows: int
    has_unfit: bool


def load_rows(
    connection: psycopg.Connection, reader: TableReader, table: LiveTable, progress: Progress
) -> FileRows:
    """Load the columns that file and table share, into the staging schema, and commit.

    COPY FREEZE writes the rows once, without WAL. Values of another type than the column's are
    read as text and cast one by one; so are all where PostgreSQL takes a value no more.
    """
    file = FileCopy(connection, reader, table.definition, progress)
    try:
        return _load(file, table, file.retyped)
    except _BAD_VALUE:
        return _load(file, table, file.fields)


def _load(file: FileCopy, table: LiveTable, cast: list[Field]) -> FileRows:
    """Load the rows, some columns by a cast of their text."""
    connection, definition = file.connection, table.definition
    columns = tuple(field.column for field in file.fields)
    target = Identifier(staging_schema(definition.schema), definition.table)
    with connection.transaction():
        configure_transaction(connection)
        set_search_path(connection, definition.schema)
        if not cast:
            _copy_in(file, table, target, [])
        else:
            texts = Identifier("rowhouse_texts")
            _copy_in(file, table, texts, cast)
            _cast(file, table, texts, target, cast)
        return FileRows(target, columns, file.reader.rows, bool(cast))


def _copy_in(file: FileCopy, table: LiveTable, target: Identifier, cast: list[Field]) -> None:
    columns = SQL(", ").join(
        SQL("{} {}").format(
            Identifier(one.column),
            raw_sql("text" if one in cast else table.columns[one.column].type),
        )
        for one in file.fields
    )
    kind = SQL("TEMPORARY" if cast else "UNLOGGED")
    file.connection.execute(SQL("CREATE {} TABLE {} ({})").format(kind, target, columns))
    file.copy_in(target, as_text=bool(cast))


def _cast(
    file: FileCopy, table: LiveTable, texts: Identifier, target: Identifier, cast: list[Field]
) -> None:
    """Make the table of the rows, with null and the column's name where a value does not fit."""
    connection = file.connection
    connection.execute(read_sql(FOLDER / "fits.sql"))
    values, fits, unfit = [], [], []
    for place, one in enumerate(file.fields):
        name = Identifier(one.column)
        if one not in cast:
            values.append(SQL("{}").format(name))
            continue
        before, now = _existing_type(connection, one.type), table.columns[one.column].type
        fit = Identifier(f"rowhouse_fits{place}")
        fits.append(
            SQL("pg_temp.fits({}, {}, {}) AS {}").format(name, Literal(before), Literal(now), fit)
        )
        value = SQL("({}::{})::{}").format(name, raw_sql(before), raw_sql(now))
        values.append(SQL("CASE WHEN {} THEN {} END AS {}").format(fit, value, name))
        unfit.append(SQL("CASE WHEN NOT {} THEN {} END").format(fit, Literal(one.column)))
    connection.execute(
        SQL(
            "CREATE UNLOGGED TABLE {} AS SELECT {}, nullif(array_remove(ARRAY[{}]::text[], NULL),"
            " '{{}}') AS {} FROM {} CROSS JOIN LATERAL (SELECT {}) fits"
        ).format(
            target,
            SQL(", ").join(values),
            SQL(", ").join(unfit),
            UNFIT,
            texts,
            SQL(", ").join(fits),
        )
    )
    connection.execute(SQL("DROP TABLE {}").format(texts))


def _existing_type(connection: psycopg.Connection, name: str) -> str:
    row = connection.execute("SELECT to_regtype(%s)", [name]).fetchone()
    return name if row and row[0] is not None else "text"
