"""The only code that writes rows to dataset tables.

A batch is first written as it stands. When PostgreSQL refuses it, or when some of its rows broke
the rules, it is written carefully (`careful`).
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from psycopg import Connection
from psycopg.errors import InternalError_

from ingest.catalog.definitions import Table, UniqueKey
from ingest.outcome import OnConflict, Rejection
from ingest.validation.copy_data import CopyData
from ingest.validation.rules import RowRules
from ingest.validation.validated_rows import Decoded, Rows
from ingest.writing.constraints.checks import ConstraintChecks
from ingest.writing.constraints.references import BatchReferences
from ingest.writing.copy_in import copy_in
from ingest.writing.statements import (
    Statements,
    copy_statement,
    execute_raw,
    insert_groups_statement,
    insert_statement,
    tells_inserted,
)
from project.base.sql_files import read_sql

SQL = Path(__file__).parent / "sql"
ROW_TRIGGERS = read_sql(SQL / "row_triggers.sql")

# COPY keeps up to 1000 rows until it stores them together, and goes through what it keeps for each:
# three times 333 rows cost PostgreSQL a third less than 1000.
COPIED_ROWS = 350


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How rows are to be written that meet a row with the same key."""

    on_conflict: OnConflict = "reject"
    key: UniqueKey | None = None  # whose conflicts are ignored or updated


PLAINLY = WriteOptions()


@dataclass(frozen=True, slots=True)
class Written:
    """How many rows came to what end, and the rejected ones."""

    inserted: int = 0
    updated: int = 0
    ignored: int = 0
    rejections: tuple[Rejection, ...] = ()

    def __add__(self, other: "Written") -> "Written":
        return Written(
            self.inserted + other.inserted,
            self.updated + other.updated,
            self.ignored + other.ignored,
            self.rejections + other.rejections,
        )


class RowsSkipped(Exception):
    """Fewer rows were stored than sent, and no error said why: a trigger kept some out."""


class TableWriter:
    """Writes rows to one table in one version of its definition."""

    def __init__(self, table: Table, rules: RowRules) -> None:
        self.table = table
        judged = [each.column for each in rules.fields if not each.adapter.exact]
        scalars = {
            each.column.name
            for each in rules.fields
            if each.adapter.exact and each.adapter.copied_as == "scalar"
        }
        self.checks = ConstraintChecks(table, judged, scalars)
        self.references = BatchReferences(table)
        self._statements = Statements()
        # What triggers see, and what rows of one batch may refer to, is one statement. In a cluster
        # it is the nodes that store rows.
        is_divisible = not (table.watched or self.checks.refers_to_itself or table.clustered)
        self._rows_at_once = COPIED_ROWS if is_divisible else sys.maxsize

    def write_whole(
        self, connection: Connection, decoded: Decoded, *, holds_references: bool = False
    ) -> Written:
        """Insert every row of a batch; raise PostgreSQL's error, or `RowsSkipped`, if one fails.

        With `holds_references` foreign keys are checked here, all at once, and the connection is
        one where PostgreSQL does not: raises `ReferenceMissing`.
        """
        written = Written()
        for rows in decoded.groups:
            written += self.write_rows(connection, rows, holds_references=holds_references)
        return written

    def write_rows(
        self,
        connection: Connection,
        rows: Rows,
        options: WriteOptions = PLAINLY,
        *,
        holds_references: bool = False,
        copying: bool = True,
    ) -> Written:
        """Write rows that bring the same columns, by COPY where that can be done; see above."""
        if holds_references:
            find_values = (
                rows.by_column.values_of
                if rows.by_column
                else self.references.values_in(rows.array)
            )
            self.references.hold(connection, rows.columns, find_values)
        if copying and self.table.copyable and rows.by_column and options == PLAINLY:
            data = rows.by_column.copy_data(rows.columns)
            if data is not None:
                return self._copy(connection, rows.columns, data, len(rows.indexes))
        return self._insert(connection, rows, options)

    def _copy(
        self, connection: Connection, columns: tuple[str, ...], rows: CopyData, count: int
    ) -> Written:
        statement = self._statements.text(
            connection,
            (columns, rows.dialect),
            lambda: copy_statement(self.table, columns, rows.dialect),
        )
        try:
            stored = copy_in(connection, statement, rows.cut(self._rows_at_once))
        except InternalError_ as error:
            # How a Citus cluster tells that a node refuses a row; the careful way shows which.
            raise RowsSkipped from error
        if stored != count:
            raise RowsSkipped
        return Written(inserted=count)

    def _insert(self, connection: Connection, rows: Rows, options: WriteOptions) -> Written:
        """Write rows with one statement."""
        statement = self._statements.text(
            connection,
            (rows.columns, options),
            lambda: insert_statement(self.table, rows.columns, options.on_conflict, options.key),
        )
        text, count = rows.array.decode(), len(rows.indexes)
        known = self._count_known(connection, [text], options)
        cursor = execute_raw(connection, statement, [text])
        if options.key is None:
            if cursor.rowcount != count:
                raise RowsSkipped
            return Written(inserted=count)
        stored = [inserted for (inserted,) in cursor.fetchall()]
        if len(stored) < count and self._keeps_rows_out(connection, text, count, options.key):
            raise RowsSkipped
        return _tally(stored, count, known)

    def _count_known(
        self, connection: Connection, arrays: Sequence[str], options: WriteOptions
    ) -> int | None:
        """Return how many of the rows will be updated or stay, None where the upsert tells it."""
        key = options.key
        if key is None or options.on_conflict == "ignore" or tells_inserted(connection, self.table):
            return None
        return sum(self.checks.count_known(connection, array, key) for array in arrays)

    def _keeps_rows_out(
        self, connection: Connection, array: str, count: int, key: UniqueKey
    ) -> bool:
        """Return whether rows may be missing that did not meet a row with their key."""
        (has_triggers,) = execute_raw(connection, ROW_TRIGGERS, [self.table.oid]).fetchall()[0]
        return has_triggers and self.checks.count_known(connection, array, key) < count

    def insert_together(
        self, connection: Connection, groups: Sequence[Rows], options: WriteOptions
    ) -> Written:
        """Write groups of rows with one statement, so that they may refer to each other."""
        columns = [rows.columns for rows in groups]
        statement = insert_groups_statement(self.table, columns, options.on_conflict, options.key)
        arrays = [rows.array.decode() for rows in groups]
        known = self._count_known(connection, arrays, options)
        stored = [inserted for (inserted,) in execute_raw(connection, statement, arrays).fetchall()]
        count = sum(len(rows.indexes) for rows in groups)
        if len(stored) < count and options.key is None:
            raise RowsSkipped
        return _tally(stored, count, known)


def _tally(stored: Sequence[bool | None], count: int, known: int | None) -> Written:
    """Return what became of `count` rows of which those that were stored may say `inserted`.

    Of the `known` ones, where they cannot say it, those that were not stored stayed as they were. A
    row that another transaction has inserted since they were counted counts as inserted here too.
    """
    ignored = count - len(stored)
    updated = stored.count(False) if known is None else max(0, known - ignored)
    return Written(inserted=len(stored) - updated, updated=updated, ignored=ignored)
