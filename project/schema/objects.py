"""What a PostgreSQL schema holds, as values that can be compared with another schema's."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from psycopg.sql import Identifier

from project.base.sql_files import read_sql

QUERY = Path(__file__).parent / "sql" / "schema_objects.sql"


class Key(NamedTuple):
    """What an object is and what it is called; `table` is empty for what belongs to none."""

    kind: str  # table | column | constraint | index | comment | enum | function …
    table: str
    name: str  # a comment's name is its column's, empty for the table's own


Detail = dict[str, Any]


@dataclass(frozen=True)
class SchemaObjects:
    """A schema's objects in their order of creation; definitions do not name the schema."""

    details: dict[Key, Detail]

    def tables(self) -> set[str]:
        """Return the names of the tables."""
        return {key.table for key in self.details if key.kind == "table"}

    def get(self, key: Key) -> Detail | None:
        """Return an object's definition, None where there is no such object."""
        return self.details.get(key)

    def of_table(self, kind: str, table: str) -> dict[str, Detail]:
        """Return one table's objects of a kind by name."""
        return {
            key.name: detail
            for key, detail in self.details.items()
            if key.kind == kind and key.table == table
        }


def read_objects(connection: BaseDatabaseWrapper, schema: str) -> SchemaObjects:
    """Read a schema's objects."""
    with connection.cursor() as cursor, searching(cursor, schema):
        cursor.execute(read_sql(QUERY), {"schema": Identifier(schema).as_string()})
        rows = cursor.fetchall()
    return SchemaObjects(
        {Key(kind, table, name): json.loads(detail) for kind, table, name, detail in rows}
    )


@contextmanager
def searching(cursor: CursorWrapper, schema: str) -> Iterator[None]:
    """Have unqualified names mean those of one schema; for use inside a transaction."""
    cursor.execute("SELECT current_setting('search_path')")
    before = cursor.fetchone()[0]
    cursor.execute("SELECT set_config('search_path', %s, true)", [Identifier(schema).as_string()])
    yield
    cursor.execute("SELECT set_config('search_path', %s, true)", [before])
