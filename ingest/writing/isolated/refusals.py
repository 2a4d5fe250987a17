"""What PostgreSQL's refusal of rows means: trouble that no row is to blame for, or one's fault."""

from collections.abc import Sequence

import msgspec
import psycopg

from ingest.catalog.definitions import Column
from ingest.outcome import RowError
from ingest.writing.isolated.batch_write import BatchWrite
from ingest.writing.rows.writer import RowsSkipped
from ingest.writing.sqlstates import (
    describe_row_failure,
    describe_trouble,
    is_data_error,
    is_privilege_missing,
    is_raised,
    is_server_trouble,
)


class Refusals:
    """Finds out, by asking the database again, what was wrong with rows that it did not take."""

    def __init__(self, task: BatchWrite) -> None:
        self._task = task
        self._table = task.writer.table
        self._transaction = task.connection.transaction
        self._takes_rows = False  # the table can be written to, as a statement without rows shows

    def raise_trouble(self, error: psycopg.Error) -> None:
        """Raise what no row is to blame for: also no rows at all could be written."""
        if is_server_trouble(error):
            raise error
        if self._takes_rows or is_data_error(error) or is_raised(error):
            return
        task = self._task
        try:
            with self._transaction():
                task.writer.write_none(task.connection, task.batch.groups, task.options)
        except psycopg.Error as trouble:
            raise describe_trouble(trouble) from trouble
        self._takes_rows = True

    def describe_refusal(self, error: psycopg.Error, place: int) -> RowError:
        """Return what a row is told that failed twice; raise a privilege that its table lacks."""
        failure = self.describe(error, place)
        if is_raised(error) or failure.code == "generated_failed":
            return failure
        task = self._task
        (rows,) = task.batch.keep([place])
        try:
            with self._transaction():
                task.writer.read_values(task.connection, task.batch, rows)
        except psycopg.Error as unreadable:
            if is_server_trouble(unreadable):
                raise
            return msgspec.structs.replace(failure, code="bad_value")
        if is_privilege_missing(error):
            raise describe_trouble(error) from error
        return failure

    def describe(self, error: psycopg.Error, place: int) -> RowError:
        """Return what a single row is told, with the virtual column that cannot be computed."""
        failure = describe_row_failure(error, self._table)
        virtual = self._table.virtual
        if not virtual or not self._can_write(place, computing=()):
            return failure
        for column in virtual:
            if not self._can_write(place, computing=(column,)):
                return msgspec.structs.replace(
                    failure,
                    code="generated_failed",
                    column=column.name,
                    message=f"{column.name} cannot be computed: {failure.message}",
                )
        return failure

    def _can_write(self, place: int, *, computing: Sequence[Column]) -> bool:
        """Try a row where only these of its virtual columns are computed, and undo it."""
        task = self._task
        writer = task.writer.computing(computing)
        try:
            with self._transaction(force_rollback=True):
                groups = task.batch.keep([place])
                task.write(groups, unchecked=task.unchecked, writer=writer)
        except (psycopg.Error, RowsSkipped) as error:
            if isinstance(error, psycopg.Error) and is_server_trouble(error):
                raise
            return False
        return True
