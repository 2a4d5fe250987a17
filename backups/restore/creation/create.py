"""Tables made beside the others: filled, indexed, compared with the backup."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import zip_longest

import psycopg
from psycopg.sql import SQL, Composed, Identifier

from backups.progress import Progress
from backups.restore.creation import shadow
from backups.restore.creation.rename import rename_table
from backups.restore.database_errors import CONFLICTS
from backups.restore.restore_plan import TableRestore
from backups.tables import ddl
from backups.tables.catalog import set_search_path
from backups.tables.connection import execute_alone

# How often a statement is tried that meets the locks of others.
TRIES = 5


def create_tables(
    connection: psycopg.Connection,
    tables: Sequence[TableRestore],
    into: str | None,
    progress: Progress,
) -> list[shadow.Shadow]:
    """Make tables in the shadow schema, with all but validated foreign keys; `into` renames one.

    Raises `RestoreRefused`, `BackupDamaged` or PostgreSQL's errors.
    """
    made = _build_shadows(connection, tables, progress)
    _add_indexes_and_check(connection, made)
    _finish(connection, made)
    if into:
        with connection.transaction():
            made = [rename_table(connection, made[0], into)]
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


def _add_indexes_and_check(connection: psycopg.Connection, made: Sequence[shadow.Shadow]) -> None:
    """Build indexes and foreign keys, while another connection compares the rows."""
    with ThreadPoolExecutor(1) as worker:
        check = worker.submit(_check_contents, made)
        for one in made:
            run_in(connection, one, ddl.create_indexes(one.definition, one.schema))
        # A partitioned table's key, which others may refer to, is made only after the check.
        if not any(one.definition.partition_key for one in made):
            for one in made:
                run_in(connection, one, ddl.add_foreign_keys(one.definition, one.schema))
    check.result()


def _check_contents(made: Sequence[shadow.Shadow]) -> None:
    for one in made:
        shadow.check_content(one)


def _finish(connection: psycopg.Connection, made: Sequence[shadow.Shadow]) -> None:
    for one in made:
        run_in(connection, one, ddl.add_constraints(one.definition, one.schema))
    if any(one.definition.partition_key for one in made):
        for one in made:
            run_in(connection, one, ddl.add_foreign_keys(one.definition, one.schema))
    for one in made:
        run_in(connection, one, ddl.describe_table(one.definition, one.schema))


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
