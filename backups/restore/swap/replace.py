"""Tables replaced: shadow tables filled, indexed, compared with the backup and swapped in."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import zip_longest

import psycopg
from psycopg.sql import SQL, Composed, Identifier

from backups.progress import Progress
from backups.restore.database_errors import CONFLICTS
from backups.restore.plan import RestoreRequest
from backups.restore.restore_plan import TableRestore
from backups.restore.swap import shadow
from backups.restore.swap.rename import rename_table
from backups.restore.swap.swap import Replacement, swap
from backups.tables import ddl
from backups.tables.catalog import set_search_path
from backups.tables.connection import disable_synchronous_commit, execute_alone

# How often a statement is tried that meets the locks of others.
TRIES = 5


def replace_tables(
    connection: psycopg.Connection,
    restorer: psycopg.Connection,
    tables: Sequence[TableRestore],
    request: RestoreRequest,
    progress: Progress,
) -> int:
    """Load, check and swap in the tables; return their rows. All of them change, or none.

    The restorer builds the tables, the administrator's connection swaps them in. Raises
    `RestoreRefused`, `BackupDamaged` or PostgreSQL's errors.
    """
    is_new = request.mode == "new"
    schemas = {one.definition.schema for one in tables}
    disable_synchronous_commit(restorer)
    try:
        shadow.make_shadow_schemas(connection, schemas, owner=restorer.info.user)
        made = _build_shadows(restorer, tables, progress, is_new=is_new)
        _add_indexes_and_check(restorer, made)
        _finish(restorer, made)
        if is_new and request.into:
            with restorer.transaction():
                made = [rename_table(restorer, made[0], request.into)]
        _analyze(restorer, made)
        replacements = [
            Replacement(one.definition, one.schema, None if is_new else restored.oid)
            for one, restored in zip(made, tables, strict=True)
        ]
        swap(connection, replacements)
    finally:
        if not connection.closed:
            shadow.clear_shadows(connection, schemas)
    return sum(one.rows for one in made)


def _build_shadows(
    connection: psycopg.Connection,
    tables: Sequence[TableRestore],
    progress: Progress,
    *,
    is_new: bool,
) -> list[shadow.Shadow]:
    made = []
    try:
        for table, following in zip_longest(tables, tables[1:]):
            if following is not None:
                following.reader.prepare()  # its process starts while this table is loaded
            own_sequences = is_new or table.oid is None
            made.append(
                shadow.build_shadow(
                    connection,
                    table.reader,
                    table.definition,
                    progress,
                    own_sequences=own_sequences,
                )
            )
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
    made: shadow.Shadow | Replacement,
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


def _run_in(
    connection: psycopg.Connection, made: shadow.Shadow | Replacement, statement: Composed
) -> None:
    with connection.transaction():
        set_search_path(connection, made.schema, made.definition.schema)
        execute_alone(connection, statement)


def _analyze(connection: psycopg.Connection, made: Sequence[shadow.Shadow]) -> None:
    for one in made:
        table = Identifier(one.schema, one.definition.table)
        connection.execute(SQL("ANALYZE {}").format(table))
