"""What PostgreSQL's catalog says about a table: its definition and what depends on it.

Every function runs in the caller's transaction.
"""

from pathlib import Path
from typing import Any

import msgspec
from psycopg import Connection
from psycopg.sql import SQL, Composed, Identifier

from backups.tables.definition import TableDefinition
from project.base.sql_files import read_sql

FOLDER = Path(__file__).parent / "sql"

_decode = msgspec.json.Decoder(TableDefinition).decode


class Dependent(msgspec.Struct, frozen=True):
    """A view, a foreign key of another table (`table`), or what cannot be made again."""

    kind: str
    schema: str
    name: str
    table: str | None
    detail: dict[str, Any]

    @property
    def can_follow(self) -> bool:
        """Whether a restore can make it refer to the new table."""
        return self.kind in {"view", "foreign key"}


def find_table(connection: Connection, schema: str, table: str) -> int | None:
    """Return the oid of a table, None where there is none."""
    row = connection.execute(
        "SELECT c.oid::bigint FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relname = %s AND c.relkind IN ('r', 'p')",
        [schema, table],
    ).fetchone()
    return int(row[0]) if row else None


def read_definition(connection: Connection, oid: int, schema: str) -> TableDefinition:
    """Return the definition of the table with this oid."""
    set_search_path(connection, schema)
    row = connection.execute(read_sql(FOLDER / "definition.sql"), {"oid": oid}).fetchone()
    return _decode(row[0])  # type: ignore[index]


def read_dependents(connection: Connection, oid: int, schema: str) -> list[Dependent]:
    """Return what depends on the table, in an order in which it can be made again."""
    set_search_path(connection, schema)
    rows = connection.execute(read_sql(FOLDER / "dependents.sql"), {"oid": oid}).fetchall()
    return [
        Dependent(kind, schema, name, table, msgspec.json.decode(detail))
        for kind, schema, name, table, detail in rows
    ]


def set_search_path(connection: Connection, *schemas: str) -> None:
    """Have unqualified names mean those of the schemas, until the transaction ends."""
    path = SQL(", ").join(map(Identifier, schemas)).as_string(connection)
    connection.execute("SELECT set_config('search_path', %s, true)", [path])


def count_rows(connection: Connection, schema: str, table: str) -> int:
    """Return how many rows a table has."""
    return fetch_int(connection, SQL("SELECT count(*) FROM {}").format(Identifier(schema, table)))


def fetch_int(connection: Connection, query: Composed) -> int:
    """Return the only value of a query."""
    return int(connection.execute(query).fetchone()[0])  # type: ignore[index]
