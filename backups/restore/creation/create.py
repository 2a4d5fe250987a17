"""Tables made beside the others: filled, indexed, compared with the backup."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from itertools import zip_longest

import psycopg
from psycopg.sql import SQL, Composed, Identifier

from backups.progress import Progress
from backups.restore.creation import shadow
from backups.restore.creation.rename import rename_table
from backups.restore.database_errors import CONFLICTS
from backups.restore.plan import RestoreRequest
from backups.restore.restore_plan import TableRestore
from backups.restore.selection import select_rows
from backups.tables import ddl
from backups.tables.catalog import find_table, set_search_path
from backups.tables.connection import configure_transaction, execute_alone

# How often a statement is tried that meets the locks of others.
TRIES = 5


def create_tables(
    connection: psycopg.Connection,
    tables: Sequence[TableRestore],
    request: RestoreRequest,
    progress: Progress,
) -> list[shadow.Shadow]:
    """Make tables in the shadow schema, with all but validated foreign keys and selected rows.

    `request.into` renames one. Raises `RestoreRefused`, `SelectionInvalid`, `BackupDamaged` or
    PostgreSQL's errors.
    """
    made = _build_shadows(connection, tables, progress)
    # A partitioned table's key, which others may refer to, is made only after the check; and no
    # foreign key may act on the rows that stay when the others are deleted.
    is_late = request.selects_rows or any(one.definition.partition_key for one in made)
    _add_indexes_and_check(connection, made, with_foreign_keys=not is_late)
    made = _finish(connection, made, request, with_foreign_keys=is_late)
    if request.into:
        with connection.transaction():
            made = [rename_table(connection, made[0], request.into)]
    _analyze(connection, made)
    return made


def _build_shadows(
    connection: psycopg.Connection,
    tables: Sequence[TableRestore],
    progress: Progress,
) -> list[shadow.Shadow]:
    made = []
    try:
        for table, following in zip_longest(tables, tables[1:]):
            if following is not None:
                following.reader.prepare()  # its process starts while this table is loaded
            made.append(shadow.build_shadow(connection, table.reader, table.definition, progress))
    finally:
        for table in tables:
            table.reader.close()
    return made


def _add_indexes_and_check(
    connection: psycopg.Connection, made: Sequence[shadow.Shadow], *, with_foreign_keys: bool
) -> None:
    """Build indexes and foreign keys, while another connection compares the rows."""
    with ThreadPoolExecutor(1) as worker:
        check = worker.submit(_check_contents, made)
        for one in made:
            run_in(connection, one, ddl.create_indexes(one.definition, one.schema))
        if with_foreign_keys:
            _add_foreign_keys(connection, made)
    check.result()


def _check_contents(made: Sequence[shadow.Shadow]) -> None:
    for one in made:
        shadow.check_content(one)


def _add_foreign_keys(connection: psycopg.Connection, made: Sequence[shadow.Shadow]) -> None:
    for one in made:
        run_in(connection, one, ddl.add_foreign_keys(one.definition, one.schema))


def _finish(
    connection: psycopg.Connection,
    made: Sequence[shadow.Shadow],
    request: RestoreRequest,
    *,
    with_foreign_keys: bool,
) -> list[shadow.Shadow]:
    for one in made:
        run_in(connection, one, ddl.add_constraints(one.definition, one.schema))
    kept = [_keep_selected(connection, one, request) for one in made]
    if with_foreign_keys:
        _add_foreign_keys(connection, kept)
    for one in kept:
        run_in(connection, one, ddl.describe_table(one.definition, one.schema))
    return kept


def _keep_selected(
    connection: psycopg.Connection, made: shadow.Shadow, request: RestoreRequest
) -> shadow.Shadow:
    """Delete all rows but those that are selected."""
    definition, relation = made.definition, Identifier(made.schema, made.definition.table)
    stored = [field.column for field in made.codec.fields]
    with connection.transaction():
        configure_transaction(connection)
        set_search_path(connection, made.schema, definition.schema)
        oid = find_table(connection, made.schema, definition.table)
        selection = select_rows(connection, oid, definition.full_name, stored, request)
        if selection is None:
            return made
        not_found = selection.find_unknown_keys(connection, relation)
        delete = SQL("DELETE FROM {} s WHERE NOT {}").format(relation, selection.names("s"))
        deleted = connection.execute(delete).rowcount
    return replace(made, rows=made.rows - deleted, keys_not_found=not_found)


def run_in(
    connection: psycopg.Connection,
    made: shadow.Shadow,
    statements: Iterable[Composed],
) -> None:
    """Run each statement in a transaction of its own, with the shadow's schema searched first.

    One that meets a deadlock or a lock that is not given up is tried again.
    """
    for statement in statements:
        for _ in range(TRIES - 1):
            with suppress(*CONFLICTS):
                _run_in(connection, made, statement)
                break
        else:
            _run_in(connection, made, statement)


def _run_in(connection: psycopg.Connection, made: shadow.Shadow, statement: Composed) -> None:
    with connection.transaction():
        set_search_path(connection, made.schema, made.definition.schema)
        execute_alone(connection, statement)


def _analyze(connection: psycopg.Connection, made: Sequence[shadow.Shadow]) -> None:
    for one in made:
        table = Identifier(one.schema, one.definition.table)
        connection.execute(SQL("ANALYZE {}").format(table))
