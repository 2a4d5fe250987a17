"""The SELECTs in which PostgreSQL turns columns into their carriers."""

from collections.abc import Sequence

from psycopg.sql import SQL, Composed, Identifier, Literal

from backups.avro.schema import Field, FileSchema


def carry_column(field: Field, *, cast_to: str | None = None) -> Composed:
    """Return the SQL that carries a column, cast to the type it once had if it changed."""
    value: Composed | Identifier = Identifier(field.column)
    if cast_to is not None:
        value = SQL("({})::{}").format(value, SQL(cast_to))
    return SQL(field.adapter.select).format(value, Literal(field.adapter.factor))


def select_rows(expressions: Sequence[Composed], table: Identifier) -> Composed:
    """Return the SELECT of a table; its plain names differ, whatever the columns are called."""
    columns = SQL(", ").join(
        SQL("{} AS {}").format(expression, Identifier(f"f{place}"))
        for place, expression in enumerate(expressions)
    )
    return SQL("SELECT {} FROM {}").format(columns, table)


def select_table(schema: FileSchema) -> Composed:
    """Return the SELECT that carries every row of the table that a file is of."""
    columns = [carry_column(field) for field in schema.fields]
    return select_rows(columns, Identifier(schema.schema, schema.table))
