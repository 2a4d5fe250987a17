"""An empty table filled from the file itself, whose rows are then the difference."""

from dataclasses import replace

import psycopg
from psycopg import Connection
from psycopg.sql import SQL

from backups.restore.file_copy import FileCopy
from backups.restore.inplace.change import acting_as_writer
from backups.restore.inplace.difference import Difference, make_relation
from backups.restore.inplace.table import LiveTable, join_columns

# A value or row that does not fit, and a second row with a key.
_BAD_ROW = (psycopg.DataError, psycopg.IntegrityError)


def can_fill(connection: Connection, file: FileCopy, table: LiveTable) -> bool:
    """Return whether COPY alone brings the table to the file's rows: it has none of its own.

    Values of other types are cast one by one, triggers that always fire may change rows, and
    policies hide some.
    """
    facts = table.facts
    if file.retyped or facts.constant_triggers or not facts.is_writable:
        return False
    statement = SQL("SELECT NOT EXISTS (SELECT FROM {})").format(table.identifier)
    row = connection.execute(statement).fetchone()
    return bool(row and row[0])


def fill_empty(connection: Connection, file: FileCopy, table: LiveTable) -> Difference | None:
    """Write the file's rows to the table; return them as the difference that was applied.

    None where a row does not fit, which a comparison tells in full: nothing is written then. Runs
    in the caller's transaction. Raises `BackupDamaged` where the file is not what was written.
    """
    names = tuple(field.column for field in file.fields)
    made = Difference(table, table.find_key(names), names)
    try:
        with connection.transaction():
            make_relation(connection, made)
            with acting_as_writer(connection, made):
                file.copy_in(table.identifier, as_text=False, freeze=False)
    except _BAD_ROW:
        return None
    connection.execute(
        SQL("INSERT INTO {} SELECT 'inserted', 'after', NULL, NULL, {} FROM {}").format(
            made.relation, join_columns(table.columns), table.identifier
        )
    )
    connection.execute(SQL("ANALYZE {}").format(made.relation))
    return replace(made, is_applied=True)
