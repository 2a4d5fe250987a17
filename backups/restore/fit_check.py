"""The rows of a backup that do not fit a table as it is now, counted reason by reason."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from backups.child.table_reader import TableReader
from backups.restore.plan import Misfit
from backups.tables.catalog import fetch_int, set_search_path
from backups.tables.connection import configure_transaction, execute_alone
from backups.tables.ddl import raw_sql
from backups.tables.definition import ConstraintDefinition, TableDefinition
from project.base.sql_files import read_sql

FOLDER = Path(__file__).parent / "sql"

STAGING = "rowhouse_staging"
FITTING = "rowhouse_fitting"
KEYS_PREFIX = "rowhouse_keys_"


@dataclass(frozen=True)
class FittingRows:
    """The rows of a backup that fit a table, in a temporary table; and how many do not.

    It has only the columns of the foreign keys from and to the table.
    """

    name: str  # of the temporary table
    columns: frozenset[str]
    misfits: tuple[Misfit, ...]


def fill_staging(connection: psycopg.Connection, reader: TableReader) -> None:
    """Copy a file's rows to a temporary table of the types they were written with.

    Runs in the caller's transaction. A type that no longer exists is replaced by text.
    """
    configure_transaction(connection)
    set_search_path(connection, reader.schema.schema)
    columns = [
        SQL("{} {}").format(
            Identifier(field.column), raw_sql(_existing_type(connection, field.type))
        )
        for field in reader.schema.fields
    ]
    execute_alone(
        connection,
        SQL("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DROP").format(
            Identifier(STAGING), SQL(", ").join(columns)
        ),
    )
    statement = SQL("COPY {} FROM STDIN").format(Identifier(STAGING))
    with connection.cursor().copy(statement) as copy:
        for text in reader.values(range(len(columns))):
            copy.write(text)


class FitCheck:
    """Compares the rows in the staging table with a table as it is now.

    Values first; keys and checks are counted among the rows whose values fit. Foreign keys are
    not checked. Runs in the caller's transaction.
    """

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
        self._types = {
            field.column: _existing_type(connection, field.type) for field in reader.schema.fields
        }
        self._columns = [
            column
            for column in definition.columns
            if column.name in self._types and column.generated is None
        ]
        self._names = {column.name for column in self._columns}

    def run(self) -> FittingRows:
        """Find the rows that fit, and why the others do not; drop the staging table."""
        self._connection.execute(read_sql(FOLDER / "fits.sql"))
        misfits = [misfit for misfit in self._find_misfits() if misfit.rows]
        name, columns = f"{KEYS_PREFIX}{self._oid}", self._foreign_key_columns()
        self._connection.execute(
            SQL("CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT {} FROM {}").format(
                Identifier(name), SQL(", ").join(map(Identifier, columns)), Identifier(FITTING)
            )
        )
        self._connection.execute(
            SQL("DROP TABLE {}, {}").format(Identifier(STAGING), Identifier(FITTING))
        )
        return FittingRows(name, frozenset(columns), tuple(misfits))

    def _foreign_key_columns(self) -> list[str]:
        rows = self._connection.execute(
            "SELECT a.attname FROM pg_attribute a WHERE a.attrelid = %(oid)s AND EXISTS ("
            "SELECT FROM pg_constraint con WHERE con.contype = 'f'"
            " AND (con.conrelid = a.attrelid AND a.attnum = ANY (con.conkey)"
            " OR con.confrelid = a.attrelid AND a.attnum = ANY (con.confkey)))",
            {"oid": self._oid},
        ).fetchall()
        return [name for (name,) in rows if name in self._names]

    def _find_misfits(self) -> Iterator[Misfit]:
        conditions: list[Composable] = [SQL("true")]
        for reason, condition in self._value_conditions():
            statement = SQL("SELECT count(*) FROM {} WHERE NOT ({})").format(
                Identifier(STAGING), condition
            )
            yield Misfit(reason, fetch_int(self._connection, statement))
            conditions.append(condition)
        self._select_fitting(SQL(" AND ").join(conditions))
        for constraint in self._definition.constraints:
            violations = self._select_violations(constraint)
            if violations is not None:
                reason = f"{constraint.name}: {constraint.definition}"
                yield Misfit(reason, fetch_int(self._connection, violations))

    def _value_conditions(self) -> Iterator[tuple[str, Composable]]:
        for column in self._columns:
            name, stored = Identifier(column.name), self._types[column.name]
            if stored != column.type:
                fits = SQL("pg_temp.fits({}::text, {}, {})")
                fits_type = fits.format(name, Literal(stored), Literal(column.type))
                yield f"{column.name} does not fit {column.type}", fits_type
            if column.not_null:
                yield f"{column.name} is null", SQL("{} IS NOT NULL").format(name)

    def _select_fitting(self, condition: Composable) -> None:
        casts = SQL(", ").join(
            SQL("({0}::{1})::{2} AS {0}").format(
                Identifier(column.name),
                raw_sql(self._types[column.name]),
                raw_sql(column.type),
            )
            for column in self._columns
        )
        self._connection.execute(
            SQL("CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT {} FROM {} WHERE {}").format(
                Identifier(FITTING), casts, Identifier(STAGING), condition
            )
        )

    def _select_violations(self, constraint: ConstraintDefinition) -> Composed | None:
        """Return a SELECT of how many fitting rows violate a constraint, None for some kinds."""
        if constraint.kind not in {"c", "p", "u"} or not constraint.is_valid:
            return None
        columns = self._columns_of(constraint.name)
        if not set(columns) <= self._names:
            return None
        fitting = Identifier(FITTING)
        if constraint.kind == "c":
            expression = raw_sql(constraint.definition.removeprefix("CHECK "))
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
            " CROSS JOIN unnest(con.conkey) WITH ORDINALITY AS u(attnum, position)"
            " JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = u.attnum"
            " WHERE con.conrelid = %s AND con.conname = %s ORDER BY u.position",
            [self._oid, constraint],
        ).fetchall()
        return [name for (name,) in rows]


def _existing_type(connection: psycopg.Connection, type_name: str) -> str:
    row = connection.execute("SELECT to_regtype(%s)", [type_name]).fetchone()
    return type_name if row and row[0] is not None else "text"
