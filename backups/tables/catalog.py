"""A table's definition, as PostgreSQL's catalog has it."""

from pathlib import Path

import msgspec
from psycopg import Connection
from psycopg.sql import SQL, Identifier

from backups.tables.definition import TableDefinition
from project.base.sql_files import read_sql

FOLDER = Path(__file__).parent / "sql"

_decode = msgspec.json.Decoder(TableDefinition).decode


def read_definition(connection: Connection, oid: int, schema: str) -> TableDefinition:
    """Return the definition of the table with this oid; runs in the caller's transaction."""
    search_in(connection, schema)
    row = connection.execute(read_sql(FOLDER / "definition.sql"), {"oid": oid}).fetchone()
    return _decode(row[0])  # type: ignore[index]


def search_in(connection: Connection, *schemas: str) -> None:
    """Have unqualified names mean those of the schemas, until the transaction ends."""
    path = SQL(", ").join(map(Identifier, schemas)).as_string(connection)
    connection.execute("SELECT set_config('search_path', %s, true)", [path])
