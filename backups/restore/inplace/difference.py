"""The difference between a table and the rows it is to have, kept as rows itself.

Each row that changes is in it as it was ("before") and as it will be ("after"); both have the
place of the row in the table, which holds as long as nobody else writes to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from psycopg import Connection
from psycopg.sql import SQL, Composable, Composed, Identifier

from backups.restore.creation.shadow import shadow_schema
from backups.restore.inplace.file_rows import FileRows
from backups.restore.inplace.table import LiveTable, join_columns, match_columns
from backups.restore.plan import RowExample
from backups.restore.selection import RowSelection
from backups.tables.catalog import fetch_int
from backups.tables.ddl import raw_sql

EXAMPLES = 3
_SHOWN = 200  # characters of an example's value

PLACES = SQL("rowhouse_change text, rowhouse_image text, rowhouse_table oid, rowhouse_place tid")


@dataclass(frozen=True)
class Counts:
    """How many rows a difference changes."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0

    def __bool__(self) -> bool:
        return bool(self.inserted or self.updated or self.deleted)


@dataclass(frozen=True)
class Difference:
    """A difference, in a table of its own in the schema of what a restore works with."""

    table: LiveTable
    key: tuple[str, ...]  # which tells rows apart; none: they are counted
    shared: tuple[str, ...]  # columns whose values are compared
    unchanged: int = 0  # rows on both sides that are the same
    is_applied: bool = False  # whether the table has its rows already

    @property
    def relation(self) -> Identifier:
        """The table that holds it."""
        definition = self.table.definition
        return Identifier(shadow_schema(definition.schema), definition.table)


def compute_difference(
    connection: Connection,
    table: LiveTable,
    file: FileRows,
    selection: RowSelection | None = None,
) -> Difference:
    """Compare a table with the file's rows in one pass; runs in the caller's transaction.

    With a selection, the file's rows are those that are selected, and so are the table's others.
    """
    key = table.find_key(file.columns)
    made = Difference(table, key, file.columns)
    make_relation(connection, made)
    statement = SQL(
        "INSERT INTO {relation} SELECT {change}, side.* FROM {live} t FULL JOIN {file} s ON {match}"
        " CROSS JOIN LATERAL ({sides}) side WHERE CASE WHEN s.rowhouse_place IS NULL"
        " THEN {selected} ELSE t.rowhouse_place IS NULL OR {differs} END"
    ).format(
        relation=made.relation,
        change=_change(table, made),
        live=_identified(table.identifier, list(table.columns), made),
        file=_identified(file.table, file.columns, made),
        match=match_columns(made.key or ("rowhouse_text", "rowhouse_number")),
        sides=_sides(table, made),
        selected=selection.names("t") if selection else SQL("true"),
        differs=differ("t", "s", file.columns),
    )
    connection.execute(statement)
    connection.execute(SQL("ANALYZE {}").format(made.relation))
    after = SQL("SELECT count(*) FROM {} WHERE rowhouse_image = 'after'").format(made.relation)
    return replace(made, unchanged=file.rows - fetch_int(connection, after))


def make_relation(connection: Connection, difference: Difference) -> None:
    """Make the empty table of a difference."""
    columns = [
        SQL("{} {}").format(Identifier(name), raw_sql(column.type))
        for name, column in difference.table.columns.items()
    ]
    connection.execute(
        SQL("CREATE TABLE {} ({})").format(difference.relation, SQL(", ").join([PLACES, *columns]))
    )


def differ(one: str, other: str, columns: Sequence[str]) -> Composed:
    """Return whether two rows differ in a byte; `=` takes 1.0 for 1.00, and json has none."""
    return SQL("ROW({})::record *<> ROW({})::record").format(
        join_columns(columns, one), join_columns(columns, other)
    )


def identity(difference: Difference) -> tuple[Composable, Composable]:
    """Return the text that tells a row apart, and the number among those of the same text."""
    if difference.key:
        return SQL("ROW({})::text").format(join_columns(difference.key)), SQL("1")
    text = SQL("ROW({})::text").format(join_columns(difference.shared))
    return text, SQL("row_number() OVER (PARTITION BY {})").format(text)


def _identified(relation: Identifier, columns: Sequence[str], made: Difference) -> Composed:
    parts: list[Composable] = [
        SQL("tableoid AS rowhouse_table, ctid AS rowhouse_place"),
        *map(Identifier, columns),
    ]
    if not made.key:
        text, number = identity(made)
        parts += [
            SQL("{} AS rowhouse_text").format(text),
            SQL("{} AS rowhouse_number").format(number),
        ]
    return SQL("(SELECT {} FROM {})").format(SQL(", ").join(parts), relation)


def _change(table: LiveTable, made: Difference) -> Composed:
    moving = [name for name in table.find_moving(made.key) if name in made.shared]
    moved = differ("t", "s", moving) if moving else SQL("false")
    return SQL(
        "CASE WHEN t.rowhouse_place IS NULL THEN 'inserted'"
        " WHEN s.rowhouse_place IS NULL THEN 'deleted'"
        " WHEN {} THEN 'moved' ELSE 'updated' END"
    ).format(moved)


def _sides(table: LiveTable, made: Difference) -> Composed:
    """Return a SELECT of a pair's rows; what the file has not stays as it is."""
    before = join_columns(table.columns, "t")
    after = SQL(", ").join(
        Identifier("s" if name in made.shared else "t", name) for name in table.columns
    )
    return SQL(
        "SELECT 'before', t.rowhouse_table, t.rowhouse_place, {} WHERE t.rowhouse_place IS NOT NULL"
        " UNION ALL"
        " SELECT 'after', t.rowhouse_table, t.rowhouse_place, {} WHERE s.rowhouse_place IS NOT NULL"
    ).format(before, after)


def fill_defaults(connection: Connection, difference: Difference) -> None:
    """Give inserted rows the defaults of the columns that the file does not have."""
    table = difference.table
    sequences = {one.column: one.name for one in table.definition.sequences if one.identity}
    values = []
    for name, column in table.columns.items():
        if name in difference.shared:
            continue
        if name in sequences:
            sequence = Identifier(table.definition.schema, sequences[name]).as_string()
            values.append(SQL("{} = nextval({})").format(Identifier(name), sequence))
        elif column.default is not None:
            values.append(SQL("{} = {}").format(Identifier(name), raw_sql(column.default)))
    if values:
        connection.execute(
            SQL("UPDATE {} SET {} WHERE rowhouse_change = 'inserted'").format(
                difference.relation, SQL(", ").join(values)
            )
        )


def keep_inserted(connection: Connection, difference: Difference) -> None:
    """Take all but inserted rows out of the difference."""
    statement = SQL("DELETE FROM {} WHERE rowhouse_change <> 'inserted'")
    connection.execute(statement.format(difference.relation))


def count_changes(connection: Connection, difference: Difference) -> Counts:
    """Return how many rows are inserted, updated and deleted."""
    statement = SQL(
        "SELECT count(*) FILTER (WHERE rowhouse_change = 'inserted'),"
        " count(*) FILTER (WHERE rowhouse_change IN ('updated', 'moved')"
        " AND rowhouse_image = 'after'),"
        " count(*) FILTER (WHERE rowhouse_change = 'deleted') FROM {}"
    ).format(difference.relation)
    return Counts(*connection.execute(statement).fetchone())  # type: ignore[misc]


def read_examples(connection: Connection, difference: Difference) -> tuple[RowExample, ...]:
    """Return the first rows of each kind of change."""
    names = list(difference.table.columns)
    texts = [
        SQL("ARRAY[{}]::text[]").format(
            SQL(", ").join(
                SQL("left({}::text, {})").format(Identifier(side, name), _SHOWN) for name in names
            )
        )
        for side in ("b", "a")
    ]
    examples = []
    for change, kinds in (
        ("inserted", ["inserted"]),
        ("updated", ["updated", "moved"]),
        ("deleted", ["deleted"]),
    ):
        rows = connection.execute(
            SQL(
                "SELECT {before}, {after} FROM"
                " (SELECT * FROM {relation} WHERE rowhouse_image = 'after') a FULL JOIN"
                " (SELECT * FROM {relation} WHERE rowhouse_image = 'before') b"
                " USING (rowhouse_table, rowhouse_place)"
                " WHERE coalesce(a.rowhouse_change, b.rowhouse_change) = ANY (%s)"
                " ORDER BY {order} LIMIT {limit}"
            ).format(
                before=texts[0],
                after=texts[1],
                relation=difference.relation,
                order=_order(difference),
                limit=EXAMPLES,
            ),
            [kinds],
        ).fetchall()
        examples += [_describe(change, names, difference.key, *row) for row in rows]
    return tuple(examples)


def _order(difference: Difference) -> Composed:
    key = difference.key or ("rowhouse_place",)
    return SQL(", ").join(
        SQL("coalesce(a.{0}, b.{0})").format(Identifier(name))
        if difference.key
        else Identifier(name)
        for name in key
    )


def _describe(
    change: str,
    names: Sequence[str],
    key: Sequence[str],
    before: list[str | None],
    after: list[str | None],
) -> RowExample:
    was, will_be = (dict(zip(names, side, strict=True)) for side in (before, after))
    if change == "updated":
        shown = [name for name in names if was[name] != will_be[name]]
    else:
        shown = list(names)
    kept = was if change != "inserted" else will_be
    return RowExample(
        change=change,
        key={name: kept[name] for name in key},
        before={name: was[name] for name in shown} if change != "inserted" else {},
        after={name: will_be[name] for name in shown} if change != "deleted" else {},
    )
