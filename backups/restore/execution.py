"""A planned restore carried out: existing tables change in place, the others are made."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec
from psycopg import Connection

from backups.errors import RestoreRefused
from backups.progress import Progress
from backups.restore.creation import shadow
from backups.restore.creation.create import create_tables
from backups.restore.creation.move import move_in, validate
from backups.restore.database_errors import translate_errors
from backups.restore.file_copy import FileCopy
from backups.restore.inplace.change import acting_as_writer
from backups.restore.inplace.chosen_rows import (
    keep_selected,
    take_misfits,
)
from backups.restore.inplace.difference import (
    Difference,
    compute_difference,
    fill_defaults,
    keep_inserted,
)
from backups.restore.inplace.file_rows import FileRows, load_rows
from backups.restore.inplace.fill import can_fill, fill_empty
from backups.restore.inplace.misfits import find_bad_rows, find_repeated_keys
from backups.restore.inplace.table import LiveTable
from backups.restore.inplace.transaction import Change, Comparison, Outcome, change_tables
from backups.restore.plan import Misfit, RestoreRequest, TablePlan
from backups.restore.restore_plan import TableRestore
from backups.restore.sequences import advance_sequences
from backups.tables.connection import disable_synchronous_commit


def execute_restore(
    connection: Connection,
    restorer: Connection,
    tables: Sequence[TableRestore],
    request: RestoreRequest,
    progress: Progress,
) -> list[TablePlan]:
    """Restore the tables, all or none; a dry run takes it back. Return the plans with the rows.

    The restorer loads files and makes tables, the administrator's connection changes and moves
    them. Raises `RestoreRefused`, `BackupDamaged` or PostgreSQL's errors.
    """
    schemas = {one.definition.schema for one in tables}
    disable_synchronous_commit(restorer)
    try:
        shadow.make_shadow_schemas(connection, schemas, owner=restorer.info.user)
        return _Execution(connection, restorer, tables, request, progress).run()
    finally:
        for one in tables:
            one.reader.close()
        if not connection.closed:
            shadow.clear_shadows(connection, schemas)


class _Execution:
    def __init__(
        self,
        connection: Connection,
        restorer: Connection,
        tables: Sequence[TableRestore],
        request: RestoreRequest,
        progress: Progress,
    ) -> None:
        self._connection = connection
        self._restorer = restorer
        self._tables = tables
        self._request = request
        self._progress = progress
        self._missing = [one for one in tables if one.table is None]
        self._obstacles: list[Misfit] = []  # of the tables that are made, in a dry run

    def run(self) -> list[TablePlan]:
        made = self._make()
        changes = [
            self._plan_change(one, one.table) for one in self._tables if one.table is not None
        ]
        outcomes = change_tables(
            self._connection,
            changes,
            dry_run=self._request.dry_run,
            before=lambda connection: move_in(connection, made),
            after=lambda connection: self._finish(connection, made),
        )
        return list(self._describe(outcomes, made))

    def _make(self) -> list[shadow.Shadow]:
        """Make the tables that are missing; in a dry run, tell what is in the way."""
        made: list[shadow.Shadow] = []
        # In a dry run no definitions were made for tables that the restore will find.
        if not self._missing or (self._request.dry_run and self._request.definitions):
            return made
        if not self._request.dry_run:
            return self._create()
        with self._telling():
            made += self._create()
        return made

    def _create(self) -> list[shadow.Shadow]:
        return create_tables(self._restorer, self._missing, self._request, self._progress)

    def _finish(self, connection: Connection, made: Sequence[shadow.Shadow]) -> None:
        """Validate the foreign keys of tables that were made, once all rows are there."""
        if self._request.dry_run:
            with self._telling(), connection.transaction():
                validate(connection, made)
            return
        validate(connection, made)
        for one in made:
            advance_sequences(connection, one.definition, one.definition.sequences)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            with translate_errors():
                yield
        except RestoreRefused as error:
            self._obstacles.append(Misfit(error.message))

    def _plan_change(self, one: TableRestore, table: LiveTable) -> Change:
        file = FileCopy(self._connection, one.reader, table.definition, self._progress)
        is_filled = self._may_fill(one) and can_fill(self._connection, file, table)
        loaded = None if is_filled else self._load(one, table)

        def compute(connection: Connection, table: LiveTable) -> Comparison:
            # Others may have written to the table before it was locked.
            if is_filled and can_fill(connection, file, table):
                difference = fill_empty(connection, file, table)
                if difference is not None:
                    return Comparison(difference, ())
            return self._compare(connection, one, table, loaded or self._load(one, table))

        return Change(table, compute, one.reader.entry.sequences)

    def _may_fill(self, one: TableRestore) -> bool:
        is_replaced = self._request.mode == "replace" and not self._request.dry_run
        return is_replaced and one.selection is None

    def _load(self, one: TableRestore, table: LiveTable) -> FileRows:
        return load_rows(self._restorer, one.reader, table, self._progress)

    def _compare(
        self, connection: Connection, one: TableRestore, table: LiveTable, file: FileRows
    ) -> Comparison:
        known = {constraint.definition for constraint in one.reader.entry.constraints}
        selection, not_found = one.selection, tuple[str, ...]()
        if selection is not None:
            relations = (table.identifier, file.table)
            not_found = selection.find_unknown_keys(connection, *relations)
            file = keep_selected(connection, table, file, selection)
        file, misfits = take_misfits(connection, table, file)
        difference = compute_difference(connection, table, file, selection)
        if not _is_key_of(difference, known):
            misfits += find_repeated_keys(connection, difference, file)
        if self._request.mode == "append":
            keep_inserted(connection, difference)
        with acting_as_writer(connection, difference):
            fill_defaults(connection, difference)
            misfits += find_bad_rows(connection, difference)
        return Comparison(difference, tuple(misfits), not_found)

    def _describe(
        self, outcomes: Sequence[Outcome], made: Sequence[shadow.Shadow]
    ) -> Iterator[TablePlan]:
        changes, shadows = iter(outcomes), iter(made)
        for one in self._tables:
            if one.table is not None:
                yield _describe_change(one.plan, next(changes))
            else:
                yield self._describe_made(one.plan, next(shadows, None))

    def _describe_made(self, plan: TablePlan, made: shadow.Shadow | None) -> TablePlan:
        obstacles = tuple(self._obstacles)
        if made is None:  # what was in the way came before
            return msgspec.structs.replace(plan, will_not_fit=obstacles)
        return msgspec.structs.replace(
            plan, inserted=made.rows, will_not_fit=obstacles, keys_not_found=made.keys_not_found
        )


def _describe_change(plan: TablePlan, outcome: Outcome) -> TablePlan:
    counts = outcome.counts
    return msgspec.structs.replace(
        plan,
        inserted=counts.inserted,
        updated=counts.updated,
        deleted=counts.deleted,
        unchanged=outcome.difference.unchanged,
        examples=outcome.examples,
        will_not_fit=outcome.misfits,
        keys_not_found=outcome.keys_not_found,
    )


def _is_key_of(difference: Difference, known: set[str]) -> bool:
    """Return whether the backup's table had the key too, so that its rows cannot repeat it."""
    index = next(
        (one.name for one in difference.table.facts.indexes if one.columns == difference.key), None
    )
    return any(
        constraint.name == index and constraint.definition in known
        for constraint in difference.table.definition.constraints
    )
