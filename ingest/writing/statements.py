"""The SQL that reads a batch's JSON and writes it to a table, composed from the catalog's names."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, LiteralString

from psycopg import BaseConnection, Connection, RawCursor
from psycopg.abc import AdaptContext
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from ingest.catalog.definitions import Column, Table
from ingest.validation.copy_data import Dialect
from ingest.writing.conflicts import REJECT_CONFLICTS, WriteOptions

# The place of a row in the array it came in, counted from 1.
PLACE = Identifier("rowhouse place")

# The first PostgreSQL that can return a row as it was before an update.
RETURNING_OLD_SINCE = 180000

# The row as JSON, where it matters which columns it brings.
WHOLE = Identifier("rowhouse row")


class Statements:
    """Statements composed once: putting one together costs more than sending it."""

    def __init__(self) -> None:
        self._texts: dict[Hashable, LiteralString] = {}

    def text(
        self, connection: Connection, name: Hashable, compose: Callable[[], Composed]
    ) -> LiteralString:
        """Return the text of a statement that is composed of the catalog's names only."""
        text = self._texts.get(name)
        if text is None:
            text = self._texts[name] = compose().as_string(connection)
        return text


def execute_raw(
    connection: Connection,
    statement: Composed | LiteralString,
    values: Sequence[Any],
    *,
    replan: bool = False,
) -> RawCursor:
    """Run a statement whose placeholders are $1, $2 …: a per cent sign in a name is just that.

    With `replan` it is planned anew: a plan that was made and kept while a table was empty reads
    all of it.
    """
    return RawCursor(connection).execute(statement, values, prepare=False if replan else None)


def table_identifier(table: Table) -> Identifier:
    """Return the table's qualified, quoted name."""
    return Identifier(table.schema, table.name)


def only(*, partitioned: bool) -> SQL:
    """Return what keeps the rows of inheriting tables out of a FROM item."""
    return SQL("") if partitioned else SQL("ONLY")


def stored_rows(table: Table) -> Composed:
    """Return a FROM item of the rows that the table's own keys are about."""
    return SQL("{} {}").format(only(partitioned=table.partitioned), table_identifier(table))


_COPY_OPTIONS: dict[Dialect, SQL] = {
    "json": SQL(r"FORMAT csv, NULL 'null', ESCAPE '\'"),
    "binary": SQL("FORMAT binary"),
}


def copy_statement(table: Table, columns: Sequence[str], dialect: Dialect) -> Composed:
    """Return the statement that stores rows as the data of COPY."""
    return SQL("COPY {} ({}) FROM STDIN ({})").format(
        table_identifier(table), join_names(columns), _COPY_OPTIONS[dialect]
    )


def insert_statement(
    table: Table,
    groups: Sequence[Sequence[str]],
    options: WriteOptions = REJECT_CONFLICTS,
) -> Composed:
    """Return one statement that stores a JSON array of rows for each group of columns.

    Foreign keys are checked when all of it is done. Where it returns rows it is one for each row
    that it stores, in their order: `inserted` true or false, null where not `tells_inserted`, and
    the primary key as JSON if that is wanted.
    """
    if len(groups) == 1:
        return _insert_group(table, groups[0], options)
    names = [Identifier(f"group {number}") for number in range(len(groups))]
    inserts = []
    for number, (name, columns) in enumerate(zip(names, groups, strict=True), 1):
        statement = _insert_group(table, columns, options, parameter=number)
        if options == REJECT_CONFLICTS and not table.virtual:
            statement += returning(table, options, SQL("true"))
        inserts.append(SQL("{} AS ({})").format(name, statement))
    return SQL("WITH {} {}").format(
        SQL(", ").join(inserts),
        SQL(" UNION ALL ").join(SQL("SELECT * FROM {}").format(name) for name in names),
    )


def _insert_group(
    table: Table, columns: Sequence[str], options: WriteOptions, *, parameter: int = 1
) -> Composed:
    if columns:
        written = [table.by_name[name] for name in columns]
        statement = SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(
            table_identifier(table),
            join_names(columns),
            SQL(", ").join(map(_read_expression, written)),
            _record_source(written, parameter),
        )
    else:
        # Rows that leave everything to the defaults.
        statement = SQL(
            "INSERT INTO {} SELECT FROM generate_series(1, json_array_length({}::json))"
        ).format(table_identifier(table), SQL(f"${parameter}"))
    if options == REJECT_CONFLICTS and not table.virtual:
        return statement
    return statement + _conflict_clause(table, columns, options)


def text_source(columns: Sequence[Column]) -> Composed:
    """Return a FROM item that reads a JSON array's columns as text, with each row's place."""
    return _numbered_source(columns, ["text"] * len(columns))


def _record_source(columns: Sequence[Column], parameter: int) -> Composed:
    definition = _definition(columns, map(_record_type, columns))
    return SQL("json_to_recordset({}::json) AS batch({})").format(SQL(f"${parameter}"), definition)


def _numbered_source(
    columns: Sequence[Column], types: Iterable[str], *, whole: bool = False
) -> Composed:
    functions = SQL("json_to_recordset($1::json) AS ({})").format(_definition(columns, types))
    names = [Identifier(column.name) for column in columns]
    if whole:
        functions += SQL(", json_array_elements($1::json)")
        names.append(WHOLE)
    return SQL("ROWS FROM ({}) WITH ORDINALITY AS batch({})").format(
        functions, SQL(", ").join([*names, PLACE])
    )


def _definition(columns: Iterable[Column], types: Iterable[str]) -> Composed:
    return SQL(", ").join(
        SQL("{} {}").format(Identifier(column.name), SQL(type_name))
        for column, type_name in zip(columns, types, strict=True)
    )


def join_names(names: Iterable[str]) -> Composed:
    """Return a comma-separated list of quoted names."""
    return SQL(", ").join(map(Identifier, names))


def read_batch(columns: Sequence[Column], defaults: Mapping[str, str]) -> Composed:
    """Return a SELECT of the batch's rows as the table would hold them, with their place.

    `defaults` are the SQL of what a row gets in a column that it leaves out.
    """
    expressions = [
        SQL("{} AS {}").format(_given_or_default(column, defaults), Identifier(column.name))
        for column in columns
    ]
    return SQL("SELECT {} FROM {}").format(
        SQL(", ").join([*expressions, PLACE]),
        _numbered_source(columns, map(_record_type, columns), whole=bool(defaults)),
    )


def read_columns(columns: Sequence[Column]) -> Composed:
    """Return a SELECT of columns given as arrays, $1 for the first, with each row's place."""
    arrays = SQL(", ").join(
        SQL("{}::{}[]").format(SQL(f"${number}"), SQL(column.base_type))
        for number, column in enumerate(columns, 1)
    )
    expressions = [
        SQL("{0} COLLATE {1} AS {0}").format(Identifier(column.name), SQL(column.collation))
        if column.collation
        else Identifier(column.name)
        for column in columns
    ]
    return SQL("SELECT {} FROM unnest({}) WITH ORDINALITY AS batch({}, {})").format(
        SQL(", ").join([*expressions, PLACE]),
        arrays,
        join_names(column.name for column in columns),
        PLACE,
    )


def _given_or_default(column: Column, defaults: Mapping[str, str]) -> Composable:
    given = _read_expression(column)
    default = defaults.get(column.name)
    if default is None:
        return given
    return SQL("CASE WHEN {} -> {} IS NULL THEN ({})::{} ELSE {} END").format(
        WHOLE, Literal(column.name), SQL(default), SQL(column.base_type), given
    )


def _record_type(column: Column) -> str:
    # JSON has no bytes: bytea comes as base64 text and is decoded by the statement.
    if column.base == "bytea":
        return "text"
    return (
        f"{column.base_type} COLLATE {column.collation}" if column.collation else column.base_type
    )


def _read_expression(column: Column) -> Composable:
    name = Identifier(column.name)
    return SQL("decode({}, 'base64')").format(name) if column.base == "bytea" else name


def _conflict_clause(table: Table, columns: Sequence[str], options: WriteOptions) -> Composed:
    inserted = returning(table, options, SQL("true"))
    if options.on_conflict == "reject":
        return inserted
    key = options.key
    if key is None:
        return SQL(" ON CONFLICT DO NOTHING") + inserted
    target = SQL("({})").format(SQL(", ").join(SQL(part) for part in key.keys))
    if key.predicate:
        target += SQL(" WHERE {}").format(SQL(key.predicate))
    # A column that is only part of a key's expression may differ where the keys are equal.
    changed = [name for name in columns if Identifier(name).as_string() not in _quoted(key.keys)]
    if options.on_conflict == "ignore" or not changed:
        return SQL(" ON CONFLICT {} DO NOTHING").format(target) + inserted
    new = [Identifier("excluded", name) for name in changed]
    clause = SQL(" ON CONFLICT {} DO UPDATE SET {} WHERE {}").format(
        target, assignments(changed, new), differs(table, changed, new)
    )
    return clause + returning(table, options, _WasInserted(table))


def assignments(names: Sequence[str], values: Sequence[Composable]) -> Composed:
    """Return what follows SET in an update."""
    return SQL(", ").join(
        SQL("{} = {}").format(Identifier(name), value)
        for name, value in zip(names, values, strict=True)
    )


def differs(table: Table, names: Sequence[str], values: Sequence[Composable]) -> Composed:
    """Return the condition that some column of a stored row has another value than this."""
    # The image tells apart what `=` calls equal: 1.0 and 1.00, 1 mon and 30 days. As an operator
    # between two ROWs it would be looked up for each pair of columns, on a node of Citus also where
    # they are cast to records.
    old = SQL(", ").join(Identifier(table.schema, table.name, name) for name in names)
    return SQL("pg_catalog.record_image_ne(ROW({}), ROW({}))").format(old, SQL(", ").join(values))


def returning(table: Table, options: WriteOptions, inserted: Composable) -> Composed:
    """Return what an INSERT or UPDATE tells of each row that it stores.

    It computes the row's virtual columns, so that it fails where that is not possible.
    """
    if table.virtual and not isinstance(inserted, _WasInserted):
        inserted = _computed(table, inserted)
    returned = SQL(" RETURNING {} AS inserted").format(inserted)
    key = table.primary_key
    if options.returns_keys and key is not None:
        values = SQL(", ").join(
            SQL("{} AS {}").format(Identifier(table.schema, table.name, name), Identifier(name))
            for name in key.columns
        )
        returned += SQL(
            ", (SELECT row_to_json(written) FROM (SELECT {}) AS written)::text AS key"
        ).format(values)
    return returned


def _computed(table: Table, value: Composable) -> Composable:
    """Return an expression of the value for which a row's virtual columns are computed."""
    if not table.virtual:
        return value
    # One call each: a function takes a hundred arguments at most.
    computed = SQL(" + ").join(
        SQL("pg_catalog.num_nulls({})").format(Identifier(table.schema, table.name, column.name))
        for column in table.virtual
    )
    return SQL("CASE WHEN {} >= 0 THEN {} END").format(computed, value)


def tells_inserted(connection: BaseConnection[Any] | None, table: Table) -> bool:
    """Return whether an upsert can tell the rows that it inserted from those that it updated."""
    if not table.partitioned or connection is None:
        return True
    return connection.info.server_version >= RETURNING_OLD_SINCE


class _WasInserted(Composable):
    """Whether a statement inserted the row that it returns, and did not update it.

    An updated row has an xmax; in a partitioned table no system column can be returned. Null where
    that cannot be told.
    """

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        self._table = table

    def as_bytes(self, context: AdaptContext | None = None) -> bytes:
        connection = context.connection if context else None
        return self._expression(connection).as_bytes(context)

    def _expression(self, connection: BaseConnection[Any] | None) -> Composable:
        if not self._table.partitioned:
            return _computed(self._table, SQL("xmax = 0"))
        if tells_inserted(connection, self._table):
            old = Identifier("rowhouse old")
            was_inserted = _computed(self._table, SQL("{} IS NULL").format(old))
            return SQL("WITH (OLD AS {}) {}").format(old, was_inserted)
        return _computed(self._table, SQL("NULL::boolean"))


def _quoted(keys: Iterable[str]) -> set[str]:
    """Return keys with quotes around those that are the name of a column, as all names have here.

    PostgreSQL quotes a name only where it must.
    """
    return {key if key[:1] in {'"', "("} else f'"{key}"' for key in keys}
