"""What else is about a table: views, foreign keys of other tables, functions."""

from collections.abc import Iterator
from typing import Any

import msgspec
from psycopg import Connection
from psycopg.sql import SQL, Composed, Identifier

from backups.tables.catalog import FOLDER, search_in
from backups.tables.ddl import written
from project.base.sql_files import read_sql


class Dependent(msgspec.Struct, frozen=True):
    """A view, a foreign key of another table (`table`), or what cannot follow a new table."""

    kind: str
    schema: str
    name: str
    table: str | None
    detail: dict[str, Any]

    @property
    def can_follow(self) -> bool:
        """Whether a restore can make it mean the new table."""
        return self.kind in {"view", "foreign key"}


def read_dependents(connection: Connection, oid: int, schema: str) -> list[Dependent]:
    """Return what depends on the table, in an order in which it can be made again."""
    search_in(connection, schema)
    rows = connection.execute(read_sql(FOLDER / "dependents.sql"), {"oid": oid}).fetchall()
    return [
        Dependent(kind, schema, name, table, msgspec.json.decode(detail))
        for kind, schema, name, table, detail in rows
    ]


def release(dependents: list[Dependent]) -> Iterator[Composed]:
    """Yield what frees the old table of other tables' foreign keys."""
    for one in dependents:
        if one.kind == "foreign key":
            yield SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(
                Identifier(one.schema, str(one.table)), Identifier(one.name)
            )


def follow(dependents: list[Dependent]) -> Iterator[Composed]:
    """Yield what makes views and foreign keys mean the new table, whose name is the old one's."""
    for one in dependents:
        if one.kind == "view":
            options = written(", ".join(one.detail["options"]))
            yield SQL("CREATE OR REPLACE VIEW {} {} AS {}").format(
                Identifier(one.schema, one.name),
                SQL("WITH ({})").format(options) if one.detail["options"] else SQL(""),
                written(one.detail["definition"]),
            )
        elif one.kind == "foreign key":
            yield SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(
                Identifier(one.schema, str(one.table)),
                Identifier(one.name),
                written(one.detail["definition"]),
            )
