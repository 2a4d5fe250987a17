"""The rows of a file that a restore writes: those that are selected and fit the columns' types."""

from dataclasses import replace

from psycopg import Connection
from psycopg.sql import SQL, Composable

from backups.restore.inplace.file_rows import UNFIT, FileRows
from backups.restore.inplace.table import LiveTable, match_columns
from backups.restore.plan import Misfit
from backups.restore.selection import RowSelection
from backups.tables.catalog import fetch_int


def keep_selected(
    connection: Connection, table: LiveTable, file: FileRows, selection: RowSelection
) -> FileRows:
    """Take all rows out of the file's but those that are selected as they are there or here.

    Runs in the caller's transaction.
    """
    key = table.find_key(file.columns)
    conditions: list[Composable] = [SQL("NOT {}").format(selection.names("s"))]
    if key:  # without one, the rows of a pair are equal
        conditions.append(
            SQL("NOT EXISTS (SELECT FROM {} t WHERE {} AND {})").format(
                table.identifier, match_columns(key), selection.names("t")
            )
        )
    unselected = SQL(" AND ").join(conditions)
    connection.execute(SQL("DELETE FROM {} s WHERE {}").format(file.table, unselected))
    return _count_again(connection, file)


def take_misfits(
    connection: Connection, table: LiveTable, file: FileRows
) -> tuple[FileRows, list[Misfit]]:
    """Take the rows out of the file's that have a value of another type; return why."""
    if not file.has_unfit:
        return file, []
    counted = SQL("SELECT name, count(*) FROM {}, unnest({}) name GROUP BY name")
    found: dict[str, int] = dict(connection.execute(counted.format(file.table, UNFIT)).fetchall())
    misfits = [
        Misfit(f"{name} does not fit {table.columns[name].type}", found[name])
        for name in file.columns
        if name in found
    ]
    connection.execute(SQL("DELETE FROM {} WHERE {} IS NOT NULL").format(file.table, UNFIT))
    return _count_again(connection, file), misfits


def _count_again(connection: Connection, file: FileRows) -> FileRows:
    count = SQL("SELECT count(*) FROM {}").format(file.table)
    return replace(file, rows=fetch_int(connection, count))
