"""Which fields are published for which scope at a point in time."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from psycopg import Connection

from apis.covid.fields.definitions import SCOPES, TABLES, Scope
from apis.covid.fields.lifecycle import Field, Stage
from project.base.sql_files import read_sql

INTEGER_COLUMNS = read_sql(Path(__file__).parent / "sql" / "integer_columns.sql")


class Published:
    """The fields and the columns that their figures come from."""

    def __init__(self, fields: Sequence[Field], columns: Mapping[Scope, Collection[str]]) -> None:
        self.known = fields
        self._columns = columns

    def scopes_of(self, field: Field) -> list[Scope]:
        """Return where a field belongs: where its column is; without one, with the states."""
        source = field.definition.source_column
        return [
            scope
            for scope in SCOPES
            if field.definition.is_for(scope)
            and (source in self._columns[scope] if source else scope == "states")
        ]

    def fields(self, scope: Scope | None = None) -> list[Field]:
        """Return the fields that rows have, those of one scope or all, in the order of the API."""
        return [
            field
            for field in self.known
            if field.is_published and (scope is None or scope in self.scopes_of(field))
        ]

    def series(self) -> list[Field]:
        """Return the fields that have figures."""
        return [field for field in self.fields() if field.definition.source_column]

    def updated(self) -> list[Field]:
        """Return the fields whose figures follow the data."""
        return [field for field in self.series() if field.is_updated]

    def names_in(self, stage: Stage) -> list[str]:
        """Return the names of the fields with figures that are in this stage."""
        return [field.name for field in self.series() if field.stage is stage]

    def sources(self, scope: Scope) -> list[str]:
        """Return the columns that figures of a scope come from."""
        return sorted(
            {
                str(field.definition.source_column)
                for field in self.series()
                if scope in self.scopes_of(field)
            }
        )


def read_columns(connection: Connection) -> dict[Scope, set[str]]:
    """Return the columns with figures of each scope's table."""
    found = connection.execute(INTEGER_COLUMNS).fetchall()
    return {
        scope: {column for name, column in found if name == table}
        for scope, table in TABLES.items()
    }
