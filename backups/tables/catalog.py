"""What PostgreSQL's catalog says about a table: its definition.

Every function runs in the caller's transaction.
"""

from pathlib import Path

import msgspec
from psycopg import Connection
from psycopg.sql import SQL, Composed, Identifier

from backups.tables.definition import TableDefinition
from project.base.sql_files import read_sql

FOLDER = Path(__file__).parent / "sql"

_decode = msgspec.json.Decoder(TableDefinition).decode


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


def set_search_path(connection: Connection, *schemas: str) -> None:
    """Have unqualified names mean those of the schemas, until the transaction ends."""
    path = SQL(", ").join(map(Identifier, schemas)).as_string(connection)
    connection.execute("SELECT set_config('search_path', %s, true)", [path])


def fetch_int(connection: Connection, query: Composed) -> int:
    """Return the only value of a query."""
    return int(connection.execute(query).fetchone()[0])  # type: ignore[index]
