"""A file's rows loaded beside the table they are compared with, as values of its types."""

from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Composable, Identifier, Literal

from backups.avro.schema import Field
from backups.child.table_reader import TableReader
from backups.progress import Progress
from backups.restore.creation.shadow import staging_schema
from backups.restore.file_copy import FileCopy
from backups.restore.inplace.table import LiveTable
from backups.restore.plan import Misfit
from backups.tables.catalog import fetch_int, set_search_path
from backups.tables.connection import configure_transaction
from backups.tables.ddl import raw_sql
from project.base.sql_files import read_sql

FOLDER = Path(__file__).parent / "sql"

# Errors of COPY that a value causes.
_BAD_VALUE = (psycopg.DataError, psycopg.IntegrityError)


@dataclass(frozen=True)
class FileRows:
    """A table of the rows that fit their columns' types; and why the others do not."""

    table: Identifier
    columns: tuple[str, ...]
    rows: int
    misfits: tuple[Misfit, ...]


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
            return FileRows(target, columns, file.reader.rows, ())
        texts = Identifier("rowhouse_texts")
        _copy_in(file, table, texts, cast)
        misfits = _cast(file, table, texts, target, cast)
        rows = fetch_int(connection, SQL("SELECT count(*) FROM {}").format(target))
        return FileRows(target, columns, rows, misfits)


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
) -> tuple[Misfit, ...]:
    """Make the table of the rows whose values fit; return why others do not."""
    connection = file.connection
    connection.execute(read_sql(FOLDER / "fits.sql"))
    before = {one.column: _existing_type(connection, one.type) for one in cast}
    now = {name: one.type for name, one in table.columns.items()}
    conditions: dict[str, Composable] = {
        name: SQL("pg_temp.fits({}, {}, {})").format(
            Identifier(name), Literal(old), Literal(now[name])
        )
        for name, old in before.items()
    }
    misfits = [
        Misfit(
            f"{name} does not fit {now[name]}",
            fetch_int(
                connection, SQL("SELECT count(*) FROM {} WHERE NOT {}").format(texts, condition)
            ),
        )
        for name, condition in conditions.items()
    ]
    values = [
        SQL("({0}::{1})::{2} AS {0}").format(
            Identifier(one.column), raw_sql(before[one.column]), raw_sql(now[one.column])
        )
        if one in cast
        else Identifier(one.column)
        for one in file.fields
    ]
    connection.execute(
        SQL("CREATE UNLOGGED TABLE {} AS SELECT {} FROM {} WHERE {}").format(
            target, SQL(", ").join(values), texts, SQL(" AND ").join(conditions.values())
        )
    )
    connection.execute(SQL("DROP TABLE {}").format(texts))
    return tuple(one for one in misfits if one.rows)


def _existing_type(connection: psycopg.Connection, name: str) -> str:
    row = connection.execute("SELECT to_regtype(%s)", [name]).fetchone()
    return name if row and row[0] is not None else "text"
