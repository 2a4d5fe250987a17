"""Tables replaced: shadow tables filled, indexed, compared with the backup and swapped in."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest

import psycopg
from psycopg.sql import SQL, Composed, Identifier

from backups.errors import RestoreRefused
from backups.progress import Progress
from backups.restore.plan import RestoreRequest
from backups.restore.restore_plan import TableRestore
from backups.restore.swap import shadow
from backups.restore.swap.rename import rename_table
from backups.restore.swap.swap import Replacement, swap
from backups.tables import ddl
from backups.tables.catalog import set_search_path
from backups.tables.connection import disable_synchronous_commit


def replace_tables(
    connection: psycopg.Connection,
    tables: Sequence[TableRestore],
    request: RestoreRequest,
    progress: Progress,
) -> int:
    """Load, check and swap in the tables; return their rows. All of them change, or none.

    Raises `RestoreRefused` or `BackupDamaged`.
    """
    is_new = request.mode == "new"
    disable_synchronous_commit(connection)
    try:
        made = _build_shadows(connection, tables, progress, is_new=is_new)
        _add_indexes_and_check(connection, made)
        _finish(connection, made)
        if is_new and request.into:
            with connection.transaction():
                made = [rename_table(connection, made[0], request.into)]
        replacements = [
            Replacement(one.definition, one.schema, None if is_new else restored.oid)
            for one, restored in zip(made, tables, strict=True)
        ]
        swap(connection, replacements)
        _analyze(connection, made)
    except psycopg.Error as error:
        if error.sqlstate is None or error.sqlstate[:2] not in {"22", "23", "42"}:
            raise
        raise RestoreRefused(f"The rows or the table are in the way: {error}") from error
    finally:
        if not connection.closed:
            shadow.clear_shadows(connection, {one.definition.schema for one in tables})
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
    """Run each statement in a transaction of its own, with the shadow's schema searched first."""
    for statement in statements:
        with connection.transaction():
            set_search_path(connection, made.schema, made.definition.schema)
            connection.execute(statement)


def _analyze(connection: psycopg.Connection, made: Sequence[shadow.Shadow]) -> None:
    for one in made:
        table = Identifier(one.definition.schema, one.definition.table)
        connection.execute(SQL("ANALYZE {}").format(table))
