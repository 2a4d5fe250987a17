"""The rows of a backup that a table would not take any more, counted reason by reason."""

from collections.abc import Iterator

import psycopg
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from backups import ddl
from backups.connection import be_exact
from backups.definition import FOLDER, TableDefinition, search_in
from backups.plan import Misfit
from backups.reading import TableReader
from project.queries import read_sql

STAGING = "rowhouse_staging"
FITTING = "rowhouse_fitting"


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


def count_misfits(
    connection: psycopg.Connection, reader: TableReader, definition: TableDefinition
) -> list[Misfit]:
    """Return why rows in the staging table would not fit, and how many for each reason.

    Values first; keys and checks are counted among the rows whose values fit.
    """
    fitting = _Fitting(connection, reader, definition)
    return [misfit for misfit in fitting.run() if misfit.rows]


class _Fitting:
    def __init__(
        self, connection: psycopg.Connection, reader: TableReader, definition: TableDefinition
    ) -> None:
        self._connection = connection
        self._definition = definition
        self._old = {
            field.column: _living(connection, field.type) for field in reader.schema.fields
        }
        self._taken = [
            column
            for column in definition.columns
            if column.name in self._old and column.generated is None
        ]

    def run(self) -> Iterator[Misfit]:
        self._connection.execute(read_sql(FOLDER / "fits.sql"))
        conditions: list[Composable] = [SQL("true")]
        for reason, condition in self._value_conditions():
            yield Misfit(reason, self._count(SQL("NOT ({})").format(condition), STAGING))
            conditions.append(condition)
        self._make_fitting(SQL(" AND ").join(conditions))
        for key in self._definition.keys:
            statement = self._question(key.kind, key.name)
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

    def _question(self, kind: str, name: str) -> Composed | None:
        """Return a SELECT of how many fitting rows break a constraint, None for some kinds."""
        key = next(one for one in self._definition.keys if one.name == name)
        columns = self._columns_of(name)
        if not set(columns) <= {column.name for column in self._taken}:
            return None
        if kind == "c":
            expression = ddl.written(
                key.definition.removeprefix("CHECK ").removesuffix(" NOT VALID")
            )
            return SQL("SELECT count(*) FROM {} WHERE NOT {}").format(
                Identifier(FITTING), expression
            )
        names = SQL(", ").join(map(Identifier, columns))
        if kind in {"p", "u"}:
            full = SQL(" AND ").join(SQL("{} IS NOT NULL").format(Identifier(c)) for c in columns)
            return SQL(
                "SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM {} WHERE {}"
                " GROUP BY {} HAVING count(*) > 1) repeated"
            ).format(Identifier(FITTING), full, names)
        return self._foreign_question(name, columns) if kind == "f" else None

    def _foreign_question(self, name: str, columns: list[str]) -> Composed | None:
        target, referenced = self._referenced(name)
        if target == (self._definition.schema, self._definition.table):
            return None
        joined = SQL(" AND ").join(
            SQL("r.{} = f.{}").format(Identifier(far), Identifier(near))
            for far, near in zip(referenced, columns, strict=True)
        )
        full = SQL(" AND ").join(SQL("f.{} IS NOT NULL").format(Identifier(c)) for c in columns)
        return SQL(
            "SELECT count(*) FROM {} f WHERE {} AND NOT EXISTS (SELECT FROM {} r WHERE {})"
        ).format(Identifier(FITTING), full, Identifier(*target), joined)

    def _columns_of(self, constraint: str) -> list[str]:
        return [name for (name,) in self._constraint(constraint, "conkey", "conrelid")]

    def _referenced(self, constraint: str) -> tuple[tuple[str, str], list[str]]:
        key = next(one for one in self._definition.keys if one.name == constraint)
        names = [name for (name,) in self._constraint(constraint, "confkey", "confrelid")]
        return key.refers_to or ("", ""), names

    def _constraint(self, name: str, keys: str, relation: str) -> list[tuple[str]]:
        statement = SQL(
            "SELECT a.attname FROM pg_constraint con"
            " JOIN pg_class c ON c.oid = con.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
            " CROSS JOIN unnest(con.{}) WITH ORDINALITY AS u(attnum, place)"
            " JOIN pg_attribute a ON a.attrelid = con.{} AND a.attnum = u.attnum"
            " WHERE n.nspname = %s AND c.relname = %s AND con.conname = %s ORDER BY u.place"
        ).format(Identifier(keys), Identifier(relation))
        parameters = [self._definition.schema, self._definition.table, name]
        return self._connection.execute(statement, parameters).fetchall()

    def _count(self, condition: Composable, table: str) -> int:
        return self._ask(
            SQL("SELECT count(*) FROM {} WHERE {}").format(Identifier(table), condition)
        )

    def _ask(self, statement: Composed) -> int:
        return int(self._connection.execute(statement).fetchone()[0])  # type: ignore[index]


def _living(connection: psycopg.Connection, type_name: str) -> str:
    row = connection.execute("SELECT to_regtype(%s)", [type_name]).fetchone()
    return type_name if row and row[0] is not None else "text"
