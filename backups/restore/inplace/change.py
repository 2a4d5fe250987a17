"""A difference applied to its table: rows deleted, updated and inserted."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from psycopg import Connection
from psycopg.sql import SQL, Composed, Identifier

from backups.errors import RestoreRefused
from backups.restore.creation.shadow import shadow_schema, undo_schema
from backups.restore.inplace.difference import Difference
from backups.restore.inplace.table import LiveTable, join_columns
from backups.tables.catalog import set_search_path
from project.base.database import WRITER_ROLE

_SAME_ROW = SQL("t.tableoid = d.rowhouse_table AND t.ctid = d.rowhouse_place")


def switch_triggers_off(connection: Connection, tables: Iterable[LiveTable]) -> None:
    """Have no trigger fire in this transaction, nor those that check foreign keys row by row.

    Where the administrator may not, raise `RestoreRefused` for tables whose triggers would do more
    than check.
    """
    row = connection.execute(
        "SELECT has_parameter_privilege('session_replication_role', 'SET')"
    ).fetchone()
    if row and row[0]:
        connection.execute("SET LOCAL session_replication_role = replica")
        return
    for table in tables:
        acting = [*table.facts.triggers] + [
            one.name for one in table.facts.foreign_keys if one.leads_here and one.changes_rows
        ]
        if acting:
            raise RestoreRefused(
                f"{table.full_name}: {', '.join(acting)} would change more than the table: "
                "GRANT SET ON PARAMETER session_replication_role to the database's user",
                table=table.full_name,
            )


def lock_neighbours(connection: Connection, differences: Iterable[Difference]) -> None:
    """Keep others from writing to tables that refer to changed rows, or are referred to."""
    changed = {difference.table.full_name for difference in differences}
    names = {
        side
        for difference in differences
        for key in difference.table.facts.foreign_keys
        for side in (key.referencing, key.referenced)
        if ".".join(side) not in changed
    }
    if names:
        tables = SQL(", ").join(Identifier(*name) for name in sorted(names))
        connection.execute(SQL("LOCK TABLE {} IN SHARE MODE").format(tables))


@contextmanager
def acting_as_writer(connection: Connection, difference: Difference) -> Iterator[None]:
    """Have functions of the table (checks, generated columns, defaults) run as no superuser.

    As the role that ingest writes with, unless that one cannot write every row.
    """
    if connection.info.parameter_status("is_superuser") != "on" or (
        not difference.table.facts.is_writable
    ):
        yield
        return
    writer, schema = Identifier(WRITER_ROLE), Identifier(shadow_schema(_schema(difference)))
    connection.execute(SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, writer))
    grant = SQL("GRANT SELECT, UPDATE, DELETE ON {} TO {}")
    connection.execute(grant.format(difference.relation, writer))
    connection.execute(SQL("SET LOCAL ROLE {}").format(writer))
    yield
    connection.execute("RESET ROLE")
    connection.execute(SQL("REVOKE ALL ON {} FROM {}").format(difference.relation, writer))


def apply_difference(connection: Connection, difference: Difference) -> None:
    """Change the table's rows; raise `RestoreRefused` unless exactly these were changed.

    Rows that must not meet in a unique index while they change are deleted first.
    """
    set_search_path(connection, _schema(difference), "public")
    steps = [
        (_delete(difference), "before", ["deleted", "moved"]),
        (_update(difference), "after", ["updated"]),
        (_insert(difference), "after", ["inserted", "moved"]),
    ]
    with acting_as_writer(connection, difference):
        known = _count(connection, difference)
        for statement, image, kinds in steps:
            expected = sum(known.get((image, kind), 0) for kind in kinds)
            changed = connection.execute(statement).rowcount if expected else 0
            if changed != expected:
                raise RestoreRefused(
                    f"{difference.table.full_name}: {changed} rows could be changed where"
                    f" {expected} differ: a trigger, a rule or a policy is in the way",
                    table=difference.table.full_name,
                )
    _check_triggers(connection, difference)


def _count(connection: Connection, difference: Difference) -> dict[tuple[str, str], int]:
    """Return how many rows of each image and change a difference has."""
    statement = SQL(
        "SELECT rowhouse_image, rowhouse_change, count(*) FROM {} GROUP BY 1, 2"
    ).format(difference.relation)
    return {(image, change): rows for image, change, rows in connection.execute(statement)}


def _schema(difference: Difference) -> str:
    return difference.table.definition.schema


def _delete(difference: Difference) -> Composed:
    return SQL(
        "DELETE FROM {} t USING {} d WHERE d.rowhouse_image = 'before'"
        " AND d.rowhouse_change IN ('deleted', 'moved') AND {}"
    ).format(difference.table.identifier, difference.relation, _SAME_ROW)


def _update(difference: Difference) -> Composed:
    columns = [name for name, column in difference.table.columns.items() if column.identity != "a"]
    values = SQL(", ").join(SQL("{0} = d.{0}").format(Identifier(name)) for name in columns)
    return SQL(
        "UPDATE {} t SET {} FROM {} d WHERE d.rowhouse_image = 'after'"
        " AND d.rowhouse_change = 'updated' AND {}"
    ).format(difference.table.identifier, values, difference.relation, _SAME_ROW)


def _insert(difference: Difference) -> Composed:
    columns = join_columns(difference.table.columns)
    return SQL(
        "INSERT INTO {0} ({1}) OVERRIDING SYSTEM VALUE SELECT {1} FROM {2}"
        " WHERE rowhouse_image = 'after' AND rowhouse_change IN ('inserted', 'moved')"
    ).format(difference.table.identifier, columns, difference.relation)


def _check_triggers(connection: Connection, difference: Difference) -> None:
    """Raise `RestoreRefused` where a trigger that always fires changed what was written."""
    triggers = difference.table.facts.constant_triggers
    if not triggers:
        return
    columns = difference.table.columns
    other = SQL(
        "SELECT count(*) FROM {} d WHERE rowhouse_image = 'after' AND NOT EXISTS"
        " (SELECT FROM {} t WHERE ROW({})::text = ROW({})::text)"
    ).format(
        difference.relation,
        difference.table.identifier,
        join_columns(columns, "t"),
        join_columns(columns, "d"),
    )
    row = connection.execute(other).fetchone()
    if row and row[0]:
        raise RestoreRefused(
            f"{difference.table.full_name}: {', '.join(triggers)} changed {row[0]} of the rows",
            table=difference.table.full_name,
        )


def keep_undo_rows(connection: Connection, difference: Difference) -> None:
    """Keep the difference, which says what to change back, in the undo schema."""
    undo, name = undo_schema(_schema(difference)), difference.table.definition.table
    connection.execute(SQL("CREATE SCHEMA IF NOT EXISTS {}").format(Identifier(undo)))
    connection.execute(SQL("DROP TABLE IF EXISTS {}").format(Identifier(undo, name)))
    connection.execute(SQL("ALTER TABLE {} OWNER TO CURRENT_USER").format(difference.relation))
    connection.execute(
        SQL("ALTER TABLE {} SET SCHEMA {}").format(difference.relation, Identifier(undo))
    )
