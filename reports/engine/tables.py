"""The tables in schema `reports`: created, refilled and swapped while they are read.

DELETE and COPY in one transaction leave readers the old rows until it commits, at every isolation
level. A table whose columns change is swapped for one filled with COPY FREEZE, whose rows even an
older snapshot sees: a reader finds the old table or the new one, never an empty one.
"""

import time
from collections.abc import Iterable, Sequence
from datetime import date
from typing import IO, NamedTuple

from psycopg import Connection, errors
from psycopg.sql import SQL, Composable, Identifier, Literal

from project.base.sql_files import read_sql
from reports.engine.definition import HISTORY_SUFFIX, Definition
from reports.engine.state import FOLDER
from reports.errors import DefinitionInvalid, RefreshFailed

SCHEMA = "reports"
READERS = ("report_reader", "rowhouse_service", "backup_reader")

# Readers queue behind a pending exclusive lock: it is requested for this long only, then retried
# after a pause.
LOCK_TIMEOUT = "30ms"
LOCK_PAUSE_S = 0.25

BLOCK_BYTES = 256 * 1024

COLUMNS = read_sql(FOLDER / "columns.sql")


class TableColumn(NamedTuple):
    """A column's name and its type as PostgreSQL writes it."""

    name: str
    type: str


class TableInUse(RefreshFailed):
    """Readers held on to the table for longer than reports.swap_patience_s."""


def read_columns(connection: Connection, name: str) -> tuple[TableColumn, ...]:
    """Return a table's columns, none where there is no such table."""
    rows = connection.execute(COLUMNS, {"schema": SCHEMA, "name": name})
    return tuple(TableColumn(*row) for row in rows)


def replace_rows(connection: Connection, name: str, spool: IO[bytes]) -> int:
    """Replace a table's rows; return how many there are."""
    connection.execute(SQL("DELETE FROM {}").format(_table(name)))
    return _copy_in(connection, name, spool, SQL("(FORMAT binary)"))


def create_table(
    connection: Connection, name: str, columns: Sequence[TableColumn], spool: IO[bytes]
) -> int:
    """Create a table with the rows, readable by the readers' roles; return how many there are."""
    _create(connection, name, columns)
    return _copy_in(connection, name, spool, SQL("(FORMAT binary, FREEZE)"))


def swap_table(connection: Connection, name: str, new: str, *, patience_s: float) -> None:
    """Replace the table `name` by the table `new`; the caller commits at once.

    Raise `TableInUse` where readers hold locks for longer than `patience_s`.
    """
    _lock_exclusively(connection, name, patience_s)
    connection.execute(SQL("DROP TABLE {}").format(_table(name)))
    connection.execute(SQL("ALTER TABLE {} RENAME TO {}").format(_table(new), Identifier(name)))


def comment_table(
    connection: Connection, name: str, definition: Definition, columns: Iterable[str]
) -> None:
    """Set the comments of a table and its columns, which takes no lock that blocks readers."""
    header = definition.header
    statement = SQL("COMMENT ON TABLE {} IS {}")
    text = f"{header.title}: {header.description}"
    connection.execute(statement.format(_table(name), Literal(text)))
    for column in columns:
        note = header.columns[column]
        text = f"{note.caption}: {note.description}" if note.description else note.caption
        _comment_column(connection, name, column, text)


def _comment_column(connection: Connection, name: str, column: str, text: str) -> None:
    target = SQL(".").join([_table(name), Identifier(column)])
    connection.execute(SQL("COMMENT ON COLUMN {} IS {}").format(target, Literal(text)))


def prepare_history(
    connection: Connection,
    definition: Definition,
    columns: Sequence[TableColumn],
    *,
    patience_s: float,
) -> None:
    """Create the report's history table, or add the columns it does not have yet.

    In its own transaction, so that locks are released before the rest of a refresh. Columns that
    the report no longer has stay. Raise `DefinitionInvalid` where a column has another type now.
    """
    history = definition.name + HISTORY_SUFFIX
    existing = dict(read_columns(connection, history))
    for column in columns:
        if existing.get(column.name, column.type) != column.type:
            raise DefinitionInvalid(
                f"{SCHEMA}.{history}.{column.name} is {existing[column.name]} and the report now "
                f"gives {column.type}: alter or rename the history's column by hand",
                report=definition.name,
            )
    new = [column for column in columns if column.name not in existing]
    if not new:
        return
    with connection.transaction():
        if existing:
            _lock_exclusively(connection, history, patience_s)
            for column in new:
                statement = SQL("ALTER TABLE {} ADD COLUMN {}")
                connection.execute(statement.format(_table(history), _column(column)))
        else:
            _create(connection, history, [TableColumn("snapshot_date", "date"), *columns])
            connection.execute(SQL("CREATE INDEX ON {} (snapshot_date)").format(_table(history)))
            _comment_column(connection, history, "snapshot_date", "Day of the copy")
        comment_table(connection, history, definition, [column.name for column in new])


def keep_snapshot(
    connection: Connection, name: str, source: str, columns: Sequence[TableColumn], day: date
) -> None:
    """Copy the rows of the table `source` into the history, in place of that day's."""
    history = _table(name + HISTORY_SUFFIX)
    names = SQL(", ").join(Identifier(column.name) for column in columns)
    connection.execute(SQL("DELETE FROM {} WHERE snapshot_date = %s").format(history), [day])
    statement = SQL("INSERT INTO {} (snapshot_date, {}) SELECT %s, {} FROM {}")
    connection.execute(statement.format(history, names, names, _table(source)), [day])


def _create(connection: Connection, name: str, columns: Sequence[TableColumn]) -> None:
    definitions = SQL(", ").join(_column(column) for column in columns)
    # Truncation by VACUUM takes an exclusive lock, which readers would wait for.
    statement = SQL("CREATE TABLE {} ({}) WITH (vacuum_truncate = off)")
    connection.execute(statement.format(_table(name), definitions))
    query = "SELECT rolname FROM pg_roles WHERE rolname = ANY (%s)"
    for (role,) in connection.execute(query, [list(READERS)]).fetchall():
        connection.execute(SQL("GRANT SELECT ON {} TO {}").format(_table(name), Identifier(role)))


def _copy_in(connection: Connection, name: str, spool: IO[bytes], options: Composable) -> int:
    spool.seek(0)
    cursor = connection.cursor()
    with cursor.copy(SQL("COPY {} FROM STDIN {}").format(_table(name), options)) as copy:
        while block := spool.read(BLOCK_BYTES):
            copy.write(block)
    return cursor.rowcount


def _lock_exclusively(connection: Connection, name: str, patience_s: float) -> None:
    deadline = time.monotonic() + patience_s
    statement = SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(_table(name))
    while True:
        try:
            with connection.transaction():
                connection.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
                connection.execute(statement)
            return
        except errors.LockNotAvailable as error:
            if time.monotonic() > deadline:
                raise TableInUse(report=name) from error
            time.sleep(LOCK_PAUSE_S)


def _table(name: str) -> Identifier:
    return Identifier(SCHEMA, name)


def _column(column: TableColumn) -> Composable:
    # The type is PostgreSQL's own spelling, from format_type.
    return SQL("{} {}").format(Identifier(column.name), SQL(column.type))
