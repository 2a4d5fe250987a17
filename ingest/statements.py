"""The SQL that reads a batch's JSON and writes it to a table, composed from the catalog's names."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, LiteralString

from psycopg import Connection, RawCursor
from psycopg.sql import SQL, Composable, Composed, Identifier

from ingest.catalog import Column, Table, UniqueKey

# The place of a row in the array it came in, counted from 1.
PLACE = Identifier("rowhouse place")


def execute_raw(
    connection: Connection, statement: Composed | LiteralString, values: Sequence[Any]
) -> RawCursor:
    """Run a statement whose placeholders are $1, $2 …: a per cent sign in a name is just that."""
    return RawCursor(connection).execute(statement, values)


def table_identifier(table: Table) -> Identifier:
    """Return the table's qualified, quoted name."""
    return Identifier(table.schema, table.name)


def lock_statement(table: Table) -> Composed:
    """Return the statement that keeps the table's definition as it is until the commit."""
    return SQL("LOCK TABLE {} IN ROW EXCLUSIVE MODE").format(table_identifier(table))


def copy_statement(table: Table, columns: Sequence[str]) -> Composed:
    """Return the statement that stores rows in COPY's text format."""
    return SQL("COPY {} ({}) FROM STDIN").format(table_identifier(table), join_names(columns))


def insert_statement(
    table: Table,
    columns: Sequence[str],
    on_conflict: Literal["reject", "ignore", "update"] = "reject",
    key: UniqueKey | None = None,
) -> Composed:
    """Return the statement that stores a JSON array of rows (its only parameter).

    With `ignore` and `update` it returns one row, `inserted` true or false, for each row that it
    stored.
    """
    if columns:
        written = [table.by_name[name] for name in columns]
        statement = SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(
            table_identifier(table),
            join_names(columns),
            SQL(", ").join(map(_read_expression, written)),
            _record_source(written),
        )
    else:
        # Rows that leave everything to the defaults.
        statement = SQL(
            "INSERT INTO {} SELECT FROM generate_series(1, json_array_length($1::json))"
        ).format(table_identifier(table))
    if on_conflict == "reject" or key is None:
        return statement
    return statement + _conflict_clause(table, columns, on_conflict, key)


def text_source(columns: Sequence[Column]) -> Composed:
    """Return a FROM item that reads a JSON array's columns as text, with each row's place."""
    return _numbered_source(columns, ["text"] * len(columns))


def _record_source(columns: Sequence[Column]) -> Composed:
    definition = _definition(columns, map(_record_type, columns))
    return SQL("json_to_recordset($1::json) AS batch({})").format(definition)


def _numbered_source(columns: Sequence[Column], types: Iterable[str]) -> Composed:
    definition = _definition(columns, types)
    names = SQL(", ").join([*(Identifier(column.name) for column in columns), PLACE])
    return SQL(
        "ROWS FROM (json_to_recordset($1::json) AS ({})) WITH ORDINALITY AS batch({})"
    ).format(definition, names)


def _definition(columns: Iterable[Column], types: Iterable[str]) -> Composed:
    return SQL(", ").join(
        SQL("{} {}").format(Identifier(column.name), SQL(type_name))
        for column, type_name in zip(columns, types, strict=True)
    )


def join_names(names: Iterable[str]) -> Composed:
    """Return a comma-separated list of quoted names."""
    return SQL(", ").join(map(Identifier, names))


def read_batch(columns: Sequence[Column]) -> Composed:
    """Return a SELECT of the batch's rows as the table would hold them, with their place."""
    expressions = [
        SQL("{} AS {}").format(_read_expression(column), Identifier(column.name))
        for column in columns
    ]
    return SQL("SELECT {} FROM {}").format(
        SQL(", ").join([*expressions, PLACE]), _numbered_source(columns, map(_record_type, columns))
    )


def _record_type(column: Column) -> str:
    # JSON has no bytes: bytea comes as base64 text and is decoded by the statement.
    return "text" if column.base == "bytea" else column.base_type


def _read_expression(column: Column) -> Composable:
    name = Identifier(column.name)
    return SQL("decode({}, 'base64')").format(name) if column.base == "bytea" else name


def _conflict_clause(
    table: Table, columns: Sequence[str], on_conflict: Literal["ignore", "update"], key: UniqueKey
) -> Composed:
    target = SQL("({})").format(SQL(", ").join(SQL(part) for part in key.keys))
    if key.predicate:
        target += SQL(" WHERE {}").format(SQL(key.predicate))
    changed = [name for name in columns if name not in key.columns]
    if on_conflict == "ignore" or not changed:
        return SQL(" ON CONFLICT {} DO NOTHING RETURNING true AS inserted").format(target)
    old = SQL(", ").join(Identifier(table.schema, table.name, name) for name in changed)
    new = SQL(", ").join(Identifier("excluded", name) for name in changed)
    assignments = SQL(", ").join(
        SQL("{} = {}").format(Identifier(name), Identifier("excluded", name)) for name in changed
    )
    # The image operator tells apart what `=` calls equal: 1.0 and 1.00, 1 mon and 30 days. Between
    # two bare ROWs it would be looked up for each pair of columns. The row that a statement
    # updated has an xmax, the row that it inserted has none.
    return SQL(
        " ON CONFLICT {} DO UPDATE SET {}"
        " WHERE ROW({})::record OPERATOR(pg_catalog.*<>) ROW({})::record"
        " RETURNING xmax = 0 AS inserted"
    ).format(target, assignments, old, new)
