"""A restore undone: the rows that it changed are changed back, those changed since are left."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from psycopg import Connection
from psycopg.sql import SQL, Composed, Identifier, Literal

from backups.errors import RestoreRefused
from backups.restore.creation.shadow import (
    UNDO_PREFIX,
    clear_shadows,
    make_shadow_schemas,
    undo_schema,
)
from backups.restore.database_errors import translate_errors
from backups.restore.inplace.difference import Difference, differ, identity, make_relation
from backups.restore.inplace.table import LiveTable, join_columns, read_table
from backups.restore.inplace.transaction import (
    Change,
    Comparison,
    Compute,
    Outcome,
    change_tables,
)
from backups.restore.service_tables import check_service_tables
from backups.tables.catalog import fetch_int
from backups.tables.connection import configure_transaction, connect_for_restore
from project.base.sql_files import read_sql

FOLDER = Path(__file__).parent / "sql"

_COLUMNS = """
SELECT a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""
_PLACES = ("rowhouse_change", "rowhouse_image", "rowhouse_table", "rowhouse_place")


@dataclass(frozen=True)
class Undone:
    """One table: how many rows were changed back, and how many were left as they are now."""

    table: str
    inserted: int
    updated: int
    deleted: int
    left: int  # changed since the restore


def undo_restore(
    tables: Sequence[str],
    *,
    force: bool = False,
    dry_run: bool = False,
    with_service: bool = False,
) -> list[Undone]:
    """Change back what the last restore of the tables changed, all of them or none.

    A second time undoes this. Rows that were changed since are left alone, unless `force`. Readers
    see the one or the other, whole. Raises `RestoreRefused` where there is nothing to undo, where
    the table was altered since, or where rows would refer to rows that are not there,
    `ServiceTablesProtected`, `RestoreBusy`, `TablesBusy` and `Unavailable`.
    """
    with translate_errors(), connect_for_restore() as connection:
        names = [_find_rows(connection, name) for name in tables]
        check_service_tables([".".join(name) for name in names], allowed=with_service)
        schemas = {schema for schema, _ in names}
        left: dict[str, int] = {}
        try:
            make_shadow_schemas(connection, schemas, owner=connection.info.user)
            with connection.transaction(force_rollback=True):
                configure_transaction(connection)
                found = [_read(connection, *name) for name in names]
            changes = [Change(table, _undoing(left, force=force)) for table in found]
            outcomes = change_tables(connection, changes, dry_run=dry_run)
        finally:
            if not connection.closed:
                clear_shadows(connection, schemas)
        if dry_run:
            _refuse(outcomes)
        return [_describe(one, left) for one in outcomes]


def _find_rows(connection: Connection, name: str) -> tuple[str, str]:
    """Return schema and name of a table that a restore has changed."""
    rows = connection.execute(
        "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'rowhouse_image'"
        " WHERE starts_with(n.nspname, %s) AND c.relkind = 'r'",
        [UNDO_PREFIX],
    ).fetchall()
    found = [(schema.removeprefix(UNDO_PREFIX), table) for schema, table in rows]
    matching = [one for one in found if name in {one[1], ".".join(one)}]
    if len(matching) != 1:
        words = "Several tables have" if matching else "There is no table that has"
        raise RestoreRefused(f"{words} the name {name} and rows to undo", table=name)
    return matching[0]


def _read(connection: Connection, schema: str, name: str) -> LiveTable:
    table = read_table(connection, schema, name)
    if table is None:
        raise RestoreRefused(f"There is no table {schema}.{name}")
    kept = [column for (column,) in connection.execute(_COLUMNS, [undo_schema(schema), name])]
    if set(kept) != {*_PLACES, *table.columns}:
        raise RestoreRefused(f"{schema}.{name} was altered since it was restored")
    return table


def _undoing(left: dict[str, int], *, force: bool) -> Compute:
    def compute(connection: Connection, table: LiveTable) -> Comparison:
        difference = Difference(table, table.find_key(table.columns), tuple(table.columns))
        make_relation(connection, difference)
        connection.execute(_select_changes(difference, force=force))
        counted = SQL(
            "SELECT count(*) FROM {} WHERE rowhouse_change = 'left'"
            " AND (rowhouse_image = 'before' OR rowhouse_place IS NULL)"
        )
        left[table.full_name] = fetch_int(connection, counted.format(difference.relation))
        forget = SQL("DELETE FROM {} WHERE rowhouse_change = 'left'")
        connection.execute(forget.format(difference.relation))
        return Comparison(difference)

    return compute


def _select_changes(difference: Difference, *, force: bool) -> Composed:
    table, columns = difference.table, difference.shared
    moving = table.find_moving(difference.key)
    text, number = identity(difference)

    def alias(prefix: str, source: str) -> Composed:
        return SQL(", ").join(
            SQL("{} AS {}").format(Identifier(source, name), Identifier(f"{prefix}{position}"))
            for position, name in enumerate(columns)
        )

    def named(prefix: str) -> Composed:
        return SQL(", ").join(Identifier(f"{prefix}{place}") for place in range(len(columns)))

    return SQL(read_sql(FOLDER / "undo.sql")).format(
        relation=difference.relation,
        undo=Identifier(undo_schema(table.definition.schema), table.definition.table),
        table=table.identifier,
        columns=join_columns(columns),
        identity=text,
        number=number,
        # Equal rows are not the same one where no key tells them apart.
        wanted_number=number if difference.key else SQL("-({})").format(number),
        as_restored=SQL("NOT ({})").format(differ("e", "live", columns)),
        as_wanted=SQL("NOT ({})").format(differ("w", "live", columns)),
        moves=differ("w", "live", moving) if moving else SQL("false"),
        wanted_columns=alias("w", "w"),
        live_columns=alias("l", "live"),
        state_live_columns=named("l"),
        state_wanted_columns=named("w"),
        force=Literal(force),
    )


def _refuse(outcomes: Sequence[Outcome]) -> None:
    reasons = [f"{one.table.full_name}: {misfit}" for one in outcomes for misfit in one.misfits]
    if reasons:
        raise RestoreRefused("; ".join(reasons), refusals=reasons)


def _describe(one: Outcome, left: dict[str, int]) -> Undone:
    counts = one.counts
    return Undone(
        one.table.full_name,
        counts.inserted,
        counts.updated,
        counts.deleted,
        left[one.table.full_name],
    )
