"""The only code that writes rows to dataset tables.

A batch is first written as it stands. When PostgreSQL refuses it, or when some of its rows are
rejected already, bad rows are isolated (`isolated`).
"""

import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, LiteralString

import msgspec
from psycopg import Connection
from psycopg.errors import InternalError_

from ingest.catalog.definitions import Column, Table
from ingest.outcome import Rejection, StoredKey
from ingest.validation.copy_data import CopyData
from ingest.validation.validated_rows import ValidatedBatch, ValidatedRows
from ingest.writing.conflicts import REJECT_CONFLICTS, WriteOptions
from ingest.writing.constraints.checks import ConstraintChecks
from ingest.writing.rows.copy_in import copy_in
from ingest.writing.rows.partial_updates import lock_statement, update_statement
from ingest.writing.statements import (
    Statements,
    copy_statement,
    execute_raw,
    insert_statement,
    read_batch,
    tells_inserted,
)
from project.base.sql_files import read_sql

FOLDER = Path(__file__).parents[1] / "sql"
ROW_TRIGGERS = read_sql(FOLDER / "row_triggers.sql")

# COPY keeps up to 1000 rows until it stores them together, and goes through what it keeps for each:
# three times 333 rows cost PostgreSQL a third less than 1000.
COPIED_ROWS = 350

# By COPY; by a statement that reads the rows as JSON, which types without a form for COPY need and
# conflicts that are to be settled; one by one as far as that was needed to find the bad ones.
Way = Literal["copied", "staged", "isolated"]
_WAYS: tuple[Way, ...] = ("copied", "staged", "isolated")


@dataclass(frozen=True, slots=True)
class Written:
    """How many rows came to what end, the rejected ones, and how the others were written."""

    inserted: int = 0
    updated: int = 0
    ignored: int = 0
    rejections: tuple[Rejection, ...] = ()
    way: Way = "copied"
    keys: tuple[StoredKey, ...] = ()  # of the stored rows, where they are wanted

    def __add__(self, other: "Written") -> "Written":
        return Written(
            self.inserted + other.inserted,
            self.updated + other.updated,
            self.ignored + other.ignored,
            self.rejections + other.rejections,
            max(self.way, other.way, key=_WAYS.index),
            self.keys + other.keys,
        )

    def list_keys(self) -> list[msgspec.Raw]:
        """Return the keys as the receipt shows them, in the order of the batch."""
        return [
            msgspec.Raw(f'{{"index": {index}, {key[1:]}'.encode())
            for index, key in sorted(self.keys)
        ]


class RowsSkipped(Exception):
    """Fewer rows were stored than sent, and no error said why: a trigger kept some out."""


class RowsAbsent(RowsSkipped):
    """Rows that can only update another one did not each find one."""


class TableWriter:
    """Writes rows to one table in one version of its definition."""

    def __init__(self, table: Table, checks: ConstraintChecks) -> None:
        self.table = table
        self.checks = checks
        self._statements = Statements()
        # What triggers see, and what rows of one batch may refer to, is one statement. In a cluster
        # it is the nodes that store rows.
        is_divisible = not (table.watched or checks.refers_to_itself or table.clustered)
        self._rows_at_once = COPIED_ROWS if is_divisible else sys.maxsize
        self._required = frozenset(column.name for column in table.columns if column.required)

    def write(
        self,
        connection: Connection,
        batch: ValidatedBatch,
        groups: Sequence[ValidatedRows],
        options: WriteOptions = REJECT_CONFLICTS,
        *,
        unchecked: bool = False,
        copying: bool = True,
    ) -> Written:
        """Write groups of a batch's rows; raise PostgreSQL's error, or `RowsSkipped`, if one fails.

        An `unchecked` connection is one where PostgreSQL checks no foreign keys: they are checked
        here, all at once, which raises `ReferenceMissing`.
        """
        written = Written()
        if options.returns_keys and options.on_conflict != "reject":
            # What is returned does not say which rows are left out.
            groups = [one for rows in groups for one in rows.divide()]
        elif len(groups) > 1 and self.checks.refers_to_itself:
            whole = [rows for rows in groups if not self.find_lacking(rows.columns, options)]
            groups = [rows for rows in groups if rows not in whole]
            written = self._insert(connection, batch, whole, options) if whole else written
        for rows in groups:
            if unchecked:
                self.checks.lock_references(connection, rows)
            may_copy = copying and self.table.copyable and options == REJECT_CONFLICTS
            data = rows.values.copy_data(rows.columns) if may_copy else None
            if self.find_lacking(rows.columns, options):
                written += self._update(connection, batch, rows, options)
            elif data is not None:
                written += self._copy(connection, rows, data)
            else:
                written += self._insert(connection, batch, [rows], options)
        return written

    def write_none(
        self, connection: Connection, groups: Sequence[ValidatedRows], options: WriteOptions
    ) -> None:
        """Run the statement that writes these groups, without their rows."""
        execute_raw(connection, self._statement(connection, groups, options), ["[]"] * len(groups))

    def read_values(
        self, connection: Connection, batch: ValidatedBatch, rows: ValidatedRows
    ) -> None:
        """Have PostgreSQL read the rows' values without writing them; raise its error."""
        columns = [self.table.by_name[name] for name in rows.columns]
        if columns:
            statement = read_batch(columns, {})
            execute_raw(connection, statement, [batch.array(rows.places).decode()])

    def computing(self, columns: Sequence[Column]) -> "TableWriter":
        """Return a writer of the same table that computes only these of its virtual columns."""
        others = [column for column in self.table.virtual if column not in columns]
        table = msgspec.structs.replace(
            self.table,
            columns=tuple(
                msgspec.structs.replace(column, virtual=column.virtual and column not in others)
                for column in self.table.columns
            ),
        )
        return TableWriter(table, self.checks)

    def find_lacking(self, columns: Collection[str], options: WriteOptions) -> frozenset[str]:
        """Return the required columns that an update leaves out: the row must be there already."""
        is_update = options.on_conflict == "update"
        return self._required.difference(columns) if is_update else frozenset()

    def _copy(self, connection: Connection, rows: ValidatedRows, data: CopyData) -> Written:
        columns = rows.columns
        statement = self._statements.text(
            connection,
            (columns, data.dialect),
            lambda: copy_statement(self.table, columns, data.dialect),
        )
        try:
            stored = copy_in(connection, statement, data.cut(self._rows_at_once))
        except InternalError_ as error:
            # How a Citus cluster tells that a node refuses a row; isolating rows shows which.
            raise RowsSkipped from error
        if stored != len(rows.places):
            raise RowsSkipped
        return Written(inserted=stored)

    def _insert(
        self,
        connection: Connection,
        batch: ValidatedBatch,
        groups: Sequence[ValidatedRows],
        options: WriteOptions,
    ) -> Written:
        """Write groups of rows with one statement, so that they may refer to each other."""
        statement = self._statement(connection, groups, options)
        arrays = [batch.array(rows.places).decode() for rows in groups]
        places = [place for rows in groups for place in rows.places]
        count = len(places)
        known = self._count_known(connection, arrays, options)
        cursor = execute_raw(connection, statement, arrays)
        if options == REJECT_CONFLICTS:
            if cursor.rowcount != count:
                raise RowsSkipped
            return Written(inserted=count, way="staged")
        stored = cursor.fetchall()
        is_short = len(stored) < count
        if is_short and self._keeps_rows_out(connection, arrays, count, options):
            raise RowsSkipped
        return _tally([inserted for inserted, *_ in stored], count, known, _keys(places, stored))

    def _update(
        self,
        connection: Connection,
        batch: ValidatedBatch,
        rows: ValidatedRows,
        options: WriteOptions,
    ) -> Written:
        """Update stored rows, a different one for each row; raise `RowsAbsent` where that fails."""
        columns, key = rows.columns, options.key
        array = batch.array(rows.places).decode()
        count = len(rows.places)
        if key is None:
            raise RowsAbsent
        lock = self._statements.text(
            connection, (columns, key), lambda: lock_statement(self.table, columns, key)
        )
        if execute_raw(connection, lock, [array]).fetchall() != [(count, count)]:
            raise RowsAbsent
        update = self._statements.text(
            connection,
            (columns, options, "update"),
            lambda: update_statement(self.table, columns, key, options),
        )
        stored = execute_raw(connection, update, [array]).fetchall()
        return _tally([False] * len(stored), count, None, _keys(rows.places, stored))

    def _statement(
        self, connection: Connection, groups: Sequence[ValidatedRows], options: WriteOptions
    ) -> LiteralString:
        columns = tuple(rows.columns for rows in groups)
        return self._statements.text(
            connection,
            (columns, options),
            lambda: insert_statement(self.table, columns, options),
        )

    def _count_known(
        self, connection: Connection, arrays: Sequence[str], options: WriteOptions
    ) -> int | None:
        """Return how many of the rows will be updated or stay, None where the upsert tells it."""
        key = options.key
        if key is None or options.on_conflict == "ignore" or tells_inserted(connection, self.table):
            return None
        return sum(self.checks.count_known(connection, array, [key]) for array in arrays)

    def _keeps_rows_out(
        self, connection: Connection, arrays: Sequence[str], count: int, options: WriteOptions
    ) -> bool:
        """Return whether rows may be missing that did not meet a row with their key."""
        if options.on_conflict == "reject":
            return True
        (has_triggers,) = execute_raw(connection, ROW_TRIGGERS, [self.table.oid]).fetchall()[0]
        if not has_triggers:
            return False
        keys = [key for key in self.table.unique_keys if options.settles(key)]
        return sum(self.checks.count_known(connection, array, keys) for array in arrays) < count


def _keys(places: Sequence[int], stored: Sequence[tuple[Any, ...]]) -> tuple[StoredKey, ...]:
    """Return the keys of the rows at these places, where the stored rows tell them."""
    pairs = zip(places, stored, strict=False)
    return tuple(StoredKey(place, *key) for place, (_, *key) in pairs if key)


def _tally(
    stored: Sequence[bool | None],
    count: int,
    known: int | None,
    keys: tuple[StoredKey, ...],
) -> Written:
    """Return what became of `count` rows of which those that were stored may say `inserted`.

    Of the `known` ones, where they cannot say it, those that were not stored stayed as they were. A
    row that another transaction has inserted since they were counted counts as inserted here too.
    """
    ignored = count - len(stored)
    updated = stored.count(False) if known is None else max(0, known - ignored)
    return Written(len(stored) - updated, updated, ignored, way="staged", keys=keys)
