"""Tables changed together, in one transaction: readers see the old rows or the new ones."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
from psycopg import Connection
from psycopg.sql import SQL, Identifier

from backups.errors import RestoreRefused, TablesBusy
from backups.restore.database_errors import CONFLICTS, RETRY_AFTER_S, translate_errors
from backups.restore.inplace.change import (
    apply_difference,
    keep_undo_rows,
    lock_neighbours,
    switch_triggers_off,
)
from backups.restore.inplace.difference import Counts, Difference, count_changes, read_examples
from backups.restore.inplace.misfits import find_broken_constraints
from backups.restore.inplace.table import LiveTable, read_table
from backups.restore.plan import Misfit, RowExample
from backups.restore.sequences import advance_sequences
from backups.tables.catalog import set_search_path
from backups.tables.connection import configure_transaction
from backups.tables.definition import SequenceDefinition, TableDefinition
from project.base.sql_files import read_statements

FOLDER = Path(__file__).parent / "sql"
RECEIPTS = "service.batch"

LOCK_TIMEOUT = "2s"
LOCK_TRIES = 15
LOCK_PAUSE_S = 0.5
WORK_MEM = "64MB"


@dataclass(frozen=True)
class Comparison:
    """A difference, and what was found out on the way to it."""

    difference: Difference
    misfits: tuple[Misfit, ...] = ()
    keys_not_found: tuple[str, ...] = ()


Compute = Callable[[Connection, LiveTable], Comparison]
Step = Callable[[Connection], None]


def _nothing(connection: Connection) -> None:
    pass


@dataclass(frozen=True)
class Change:
    """What is to be changed in a table: `compute` makes the difference once others are locked out.

    `sequences` are those of a backup.
    """

    table: LiveTable
    compute: Compute
    sequences: Sequence[SequenceDefinition] = ()


@dataclass(frozen=True)
class Outcome:
    """What was changed in a table, or would be."""

    table: LiveTable
    difference: Difference
    counts: Counts
    examples: tuple[RowExample, ...] = ()
    misfits: tuple[Misfit, ...] = ()
    keys_not_found: tuple[str, ...] = ()


def change_tables(
    connection: Connection,
    changes: Sequence[Change],
    *,
    dry_run: bool,
    before: Step = _nothing,
    after: Step = _nothing,
) -> list[Outcome]:
    """Change the rows of all tables, or of none; writers wait from the comparison on.

    `before` and `after` the constraints of the changed rows are asked, other steps of the same
    transaction run. A dry run does all of it and takes it back. Raises `RestoreRefused` where rows
    do not fit (a dry run tells them), `TablesBusy` where the tables cannot be locked in time.
    """
    for _ in range(LOCK_TRIES):
        try:
            with connection.transaction(force_rollback=dry_run):
                return _Transaction(connection, changes, dry_run).run(before, after)
        except CONFLICTS:
            time.sleep(LOCK_PAUSE_S)
    raise TablesBusy(retry_after_s=RETRY_AFTER_S)


class _Transaction:
    def __init__(self, connection: Connection, changes: Sequence[Change], dry_run: bool) -> None:
        self._connection = connection
        self._changes = changes
        self._dry_run = dry_run

    def run(self, before: Step, after: Step) -> list[Outcome]:
        self._configure()
        self._lock()
        tables = [self._read_again(one) for one in self._changes]
        switch_triggers_off(self._connection, tables)
        outcomes = [
            self._compare(change, table)
            for change, table in zip(self._changes, tables, strict=True)
        ]
        self._refuse(outcomes)
        lock_neighbours(self._connection, [one.difference for one in outcomes if one.counts])
        outcomes = [self._apply(one) for one in outcomes]
        before(self._connection)
        outcomes = self._ask(outcomes)
        self._refuse(outcomes)
        after(self._connection)
        if not self._dry_run:
            self._finish(outcomes)
        return outcomes

    def _configure(self) -> None:
        configure_transaction(self._connection)
        for name, value in {"lock_timeout": LOCK_TIMEOUT, "work_mem": WORK_MEM}.items():
            self._connection.execute("SELECT set_config(%s, %s, true)", [name, value])

    def _lock(self) -> None:
        names = sorted(
            (one.table.definition.schema, one.table.definition.table) for one in self._changes
        )
        if names:
            tables = SQL(", ").join(Identifier(*name) for name in names)
            lock = SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE")
            self._connection.execute(lock.format(tables))

    def _read_again(self, change: Change) -> LiveTable:
        """Return the table as it is now that nobody can change it.

        Raise `RestoreRefused` where it is not the one that the difference was planned for.
        """
        planned = change.table
        table = read_table(self._connection, planned.definition.schema, planned.definition.table)
        if (
            table is None
            or table.oid != planned.oid
            or _without_numbers(table) != _without_numbers(planned)
        ):
            raise RestoreRefused(
                f"{planned.full_name} was changed while it was restored: try again"
            )
        return table

    def _compare(self, change: Change, table: LiveTable) -> Outcome:
        set_search_path(self._connection, table.definition.schema, "public")
        found = change.compute(self._connection, table)
        counts = count_changes(self._connection, found.difference)
        examples = read_examples(self._connection, found.difference) if self._dry_run else ()
        return Outcome(
            table, found.difference, counts, examples, found.misfits, found.keys_not_found
        )

    def _apply(self, one: Outcome) -> Outcome:
        if not one.counts or one.difference.is_applied:
            return one
        if not self._dry_run:
            apply_difference(self._connection, one.difference)
            return one
        try:
            with translate_errors(), self._connection.transaction():
                apply_difference(self._connection, one.difference)
        except RestoreRefused as error:
            return replace(one, misfits=(*one.misfits, Misfit(error.message)))
        return one

    def _ask(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Add to the outcomes which constraints the changed rows break."""
        differences = {one.table.full_name: one.difference for one in outcomes if one.counts}
        found = list(find_broken_constraints(self._connection, differences))
        return [
            replace(
                one,
                misfits=(
                    *one.misfits,
                    *(misfit for name, misfit in found if name == one.table.full_name),
                ),
            )
            for one in outcomes
        ]

    def _refuse(self, outcomes: Sequence[Outcome]) -> None:
        reasons = [f"{one.table.full_name}: {misfit}" for one in outcomes for misfit in one.misfits]
        if reasons and not self._dry_run:
            raise RestoreRefused("; ".join(reasons), refusals=reasons)

    def _finish(self, outcomes: Sequence[Outcome]) -> None:
        for one in outcomes:
            keep_undo_rows(self._connection, one.difference)
        if any(one.table.full_name == RECEIPTS for one in outcomes):
            for statement in read_statements(FOLDER / "keys.sql"):
                self._connection.execute(statement)
        for change, one in zip(self._changes, outcomes, strict=True):
            advance_sequences(self._connection, one.table.definition, change.sequences)


def _without_numbers(table: LiveTable) -> TableDefinition:
    definition = table.definition
    sequences = tuple(
        msgspec.structs.replace(sequence, last_value=None) for sequence in definition.sequences
    )
    return msgspec.structs.replace(definition, sequences=sequences)
