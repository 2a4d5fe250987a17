"""The field definitions as stored in covid.field_definitions."""

from datetime import datetime
from typing import Literal

import msgspec
from psycopg import Connection
from psycopg.rows import class_row

Scope = Literal["states", "us"]
SCOPES: tuple[Scope, ...] = ("states", "us")
TABLES: dict[Scope, str] = {"states": "states_daily", "us": "us_daily"}

# Former names of totals in the states' metadata that no column corresponds to.
OLD_TOTALS = {"posNeg": "positive_negative"}


class FieldDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """A row of covid.field_definitions."""

    field: str
    name: str
    definition: str
    unit: str | None
    source_column: str | None  # None: a total that names the fields to take instead
    published_for: Scope | None  # None: both
    formerly: list[str]
    place: int
    launched_at: datetime
    removed_at: datetime | None

    def is_for(self, scope: Scope) -> bool:
        """Whether the field is meant for the states' or the nation's answers."""
        return self.published_for in (None, scope)


def read_definitions(connection: Connection) -> list[FieldDefinition]:
    """Return every definition in the order of the API."""
    columns = ", ".join(FieldDefinition.__struct_fields__)
    with connection.cursor(row_factory=class_row(FieldDefinition)) as cursor:
        return cursor.execute(
            f"SELECT {columns} FROM covid.field_definitions ORDER BY place, field"  # noqa: S608
        ).fetchall()
