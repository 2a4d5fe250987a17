"""A file's rows loaded beside the table they are compared with, as values of its types."""

from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Composable, Identifier, Literal

from backups.avro.binary_rows import can_encode
from backups.avro.schema import Field
from backups.child.table_reader import TableReader
from backups.progress import Progress
from backups.restore.creation.shadow import loaded_positions, staging_schema
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
    load = _Load(connection, reader, table, progress)
    retyped = [one for one in load.fields if one.type != table.columns[one.column].type]
    try:
        return load.run(retyped)
    except _BAD_VALUE:
        return load.run(load.fields)


class _Load:
    def __init__(
        self,
        connection: psycopg.Connection,
        reader: TableReader,
        table: LiveTable,
        progress: Progress,
    ) -> None:
        self._connection = connection
        self._reader = reader
        self._table = table
        self._progress = progress
        self._positions = loaded_positions(reader, table.definition)
        self.fields = [reader.schema.fields[position] for position in self._positions]
        schema, name = staging_schema(table.definition.schema), table.definition.table
        self._target = Identifier(schema, name)

    def run(self, cast: list[Field]) -> FileRows:
        """Load the rows, some columns by a cast of their text."""
        columns = tuple(field.column for field in self.fields)
        with self._connection.transaction():
            configure_transaction(self._connection)
            set_search_path(self._connection, self._table.definition.schema)
            if not cast:
                self._copy_in(self._target, [])
                return FileRows(self._target, columns, self._reader.rows, ())
            texts = Identifier("rowhouse_texts")
            self._copy_in(texts, cast)
            misfits = self._cast(texts, cast)
            rows = fetch_int(self._connection, SQL("SELECT count(*) FROM {}").format(self._target))
            return FileRows(self._target, columns, rows, misfits)

    def _copy_in(self, target: Identifier, cast: list[Field]) -> None:
        columns = SQL(", ").join(
            SQL("{} {}").format(
                Identifier(one.column),
                raw_sql("text" if one in cast else self._table.columns[one.column].type),
            )
            for one in self.fields
        )
        kind = SQL("TEMPORARY" if cast else "UNLOGGED")
        self._connection.execute(SQL("CREATE {} TABLE {} ({})").format(kind, target, columns))
        binary = not cast and can_encode(self.fields)
        statement = SQL("COPY {} FROM STDIN WITH (FORMAT {}, FREEZE)").format(
            target, SQL("binary" if binary else "text")
        )
        with self._connection.cursor().copy(statement) as copy:
            for part in self._reader.values(
                self._positions, binary=binary, progress=self._progress
            ):
                copy.write(part)

    def _cast(self, texts: Identifier, cast: list[Field]) -> tuple[Misfit, ...]:
        """Make the table of the rows whose values fit; return why others do not."""
        self._connection.execute(read_sql(FOLDER / "fits.sql"))
        before = {one.column: self._existing_type(one.type) for one in cast}
        now = {name: one.type for name, one in self._table.columns.items()}
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
                    self._connection,
                    SQL("SELECT count(*) FROM {} WHERE NOT {}").format(texts, condition),
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
            for one in self.fields
        ]
        self._connection.execute(
            SQL("CREATE UNLOGGED TABLE {} AS SELECT {} FROM {} WHERE {}").format(
                self._target,
                SQL(", ").join(values),
                texts,
                SQL(" AND ").join(conditions.values()),
            )
        )
        self._connection.execute(SQL("DROP TABLE {}").format(texts))
        return tuple(one for one in misfits if one.rows)

    def _existing_type(self, name: str) -> str:
        row = self._connection.execute("SELECT to_regtype(%s)", [name]).fetchone()
        return name if row and row[0] is not None else "text"
