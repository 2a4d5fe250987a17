"""The rows of a backup that a table would not take any more, counted reason by reason."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from backups.child.reading import TableReader
from backups.restore.plan import Misfit
from backups.tables import ddl
from backups.tables.catalog import search_in
from backups.tables.connection import be_exact
from backups.tables.ddl import UNCHECKED
from backups.tables.definition import KeyDefinition, TableDefinition
from project.base.sql_files import read_sql

FOLDER = Path(__file__).parent / "sql"

STAGING = "rowhouse_staging"
FITTING = "rowhouse_fitting"
LINKED_PREFIX = "rowhouse_linked_"


@dataclass(frozen=True)
class Fitting:
    """The rows of a backup whose values a table takes, in a temporary table.

    Of their columns only those are kept that foreign keys, from or to the table, are made of.
    """

    oid: int  # of the table
    name: str  # of the temporary one
    columns: frozenset[str]
    misfits: tuple[Misfit, ...]


def fill_staging(
    connection: psycopg.Connection, reader: TableReader, *, also_visible: tuple[str, ...] = ()
) -> None:
    """Put a file's rows into a temporary table of the types they were written with.

    Runs in the caller's transaction. A type that is gone is replaced by text.
    """
    be_exact(connection)
    search_in(connection, reader.schema.schema, *also_visible)
    columns = [
        SQL("{} {}").format(Identifier(field.column), ddl.written(_living(connection, field.type)))
        for field in reader.schema.fields
    ]
    connection.execute(
        SQL("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DROP").format(
            Identifier(STAGING), SQL(", ").join(columns)
        )
    )
    places = range(len(columns))
    statement = SQL("COPY {} FROM STDIN").format(Identifier(STAGING))
    with connection.cursor().copy(statement) as copy:
        for text in reader.values(places):
            copy.write(text)


def fit_rows(
    connection: psycopg.Connection, reader: TableReader, definition: TableDefinition, oid: int
) -> Fitting:
    """Take the rows that fit from the staging table, which goes; say why others would not.

    Values first; keys and checks are counted among the rows whose values fit. Foreign keys are
    not looked at. Runs in the caller's transaction.
    """
    return _Sieve(connection, reader, definition, oid).run()


class _Sieve:
    def __init__(
        self,
        connection: psycopg.Connection,
        reader: TableReader,
        definition: TableDefinition,
        oid: int,
    ) -> None:
        self._connection = connection
        self._definition = definition
        self._oid = oid
        self._old = {
            field.column: _living(connection, field.type) for field in reader.schema.fields
        }
        self._taken = [
            column
            for column in definition.columns
            if column.name in self._old and column.generated is None
        ]

    def run(self) -> Fitting:
        self._connection.execute(read_sql(FOLDER / "fits.sql"))
        misfits = [misfit for misfit in self._find() if misfit.rows]
        name, columns = f"{LINKED_PREFIX}{self._oid}", self._linked_columns()
        self._connection.execute(
            SQL("CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT {} FROM {}").format(
                Identifier(name), SQL(", ").join(map(Identifier, columns)), Identifier(FITTING)
            )
        )
        for used in (STAGING, FITTING):
            self._connection.execute(SQL("DROP TABLE {}").format(Identifier(used)))
        return Fitting(self._oid, name, frozenset(columns), tuple(misfits))

    def _linked_columns(self) -> list[str]:
        rows = self._connection.execute(
            "SELECT a.attname FROM pg_attribute a WHERE a.attrelid = %(oid)s AND EXISTS ("
            "SELECT FROM pg_constraint con WHERE con.contype = 'f'"
            " AND (con.conrelid = a.attrelid AND a.attnum = ANY (con.conkey)"
            " OR con.confrelid = a.attrelid AND a.attnum = ANY (con.confkey)))",
            {"oid": self._oid},
        ).fetchall()
        taken = {column.name for column in self._taken}
        return [name for (name,) in rows if name in taken]

    def _find(self) -> Iterator[Misfit]:
        conditions: list[Composable] = [SQL("true")]
        for reason, condition in self._value_conditions():
            yield Misfit(reason, self._count(SQL("NOT ({})").format(condition), STAGING))
            conditions.append(condition)
        self._make_fitting(SQL(" AND ").join(conditions))
        for key in self._definition.keys:
            statement = self._question(key)
            if statement is not None:
                yield Misfit(f"{key.name}: {key.definition}", self._ask(statement))

    def _value_conditions(self) -> Iterator[tuple[str, Composable]]:
        for column in self._taken:
            name = Identifier(column.name)
            if self._old[column.name] != column.type:
                yield (
                    f"{column.name} does not fit {column.type}",
                    SQL("pg_temp.fits({}::text, {}, {})").format(
                        name, Literal(self._old[column.name]), Literal(column.type)
                    ),
                )
            if column.not_null:
                yield f"{column.name} is null", SQL("{} IS NOT NULL").format(name)

    def _make_fitting(self, condition: Composable) -> None:
        casts = SQL(", ").join(
            SQL("({0}::{1})::{2} AS {0}").format(
                Identifier(column.name),
                ddl.written(self._old[column.name]),
                ddl.written(column.type),
            )
            for column in self._taken
        )
        self._connection.execute(
            SQL("CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT {} FROM {} WHERE {}").format(
                Identifier(FITTING), casts, Identifier(STAGING), condition
            )
        )

    def _question(self, key: KeyDefinition) -> Composed | None:
        """Return a SELECT of how many fitting rows break a constraint, None for some kinds."""
        if key.kind not in {"c", "p", "u"} or key.definition.endswith(UNCHECKED):
            return None
        columns = self._columns_of(key.name)
        if not set(columns) <= {column.name for column in self._taken}:
            return None
        fitting = Identifier(FITTING)
        if key.kind == "c":
            expression = ddl.written(key.definition.removeprefix("CHECK "))
            return SQL("SELECT count(*) FROM {} WHERE NOT {}").format(fitting, expression)
        names = SQL(", ").join(map(Identifier, columns))
        full = SQL(" AND ").join(SQL("{} IS NOT NULL").format(Identifier(c)) for c in columns)
        return SQL(
            "SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM {} WHERE {}"
            " GROUP BY {} HAVING count(*) > 1) repeated"
        ).format(fitting, full, names)

    def _columns_of(self, constraint: str) -> list[str]:
        rows = self._connection.execute(
            "SELECT a.attname FROM pg_constraint con"
            " CROSS JOIN unnest(con.conkey) WITH ORDINALITY AS u(attnum, place)"
            " JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = u.attnum"
            " WHERE con.conrelid = %s AND con.conname = %s ORDER BY u.place",
            [self._oid, constraint],
        ).fetchall()
        return [name for (name,) in rows]

    def _count(self, condition: Composable, table: str) -> int:
        return self._ask(
            SQL("SELECT count(*) FROM {} WHERE {}").format(Identifier(table), condition)
        )

    def _ask(self, statement: Composed) -> int:
        return int(self._connection.execute(statement).fetchone()[0])  # type: ignore[index]


def _living(connection: psycopg.Connection, type_name: str) -> str:
    row = connection.execute("SELECT to_regtype(%s)", [type_name]).fetchone()
    return type_name if row and row[0] is not None else "text"
