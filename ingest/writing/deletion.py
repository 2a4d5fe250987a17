"""One row deleted by its primary key."""

import psycopg
from psycopg import Connection
from psycopg.sql import SQL, Identifier

from ingest.catalog.definitions import Table
from ingest.validation.parameter_values import parse_value, split_list
from ingest.writing.sqlstates import describe_trouble, is_data_error, is_raised
from ingest.writing.statements import execute_raw, table_identifier
from project.base.errors import BadParameter, RowhouseError

RESTRICTING = (psycopg.errors.ForeignKeyViolation, psycopg.errors.RestrictViolation)


class RowUnknown(RowhouseError):
    """The table has no row with this key."""

    code = "row_unknown"


class RowReferenced(RowhouseError):
    """Rows of another table refer to this one."""

    code = "row_referenced"


class DeleteRefused(RowhouseError):
    """The table does not let the row go: a trigger or rule of its own says no."""

    code = "delete_refused"


class TableHasNoKey(RowhouseError):
    """The table has no primary key to name a row by."""

    code = "table_has_no_key"


def parse_key(table: Table, text: str) -> list[str]:
    """Return the values of a row's primary key as they stand in an address, comma-separated.

    Raises `TableHasNoKey`, `BadParameter` for another number of values, and `RowUnknown` for a
    value that no row can have.
    """
    if table.primary_key is None:
        raise TableHasNoKey
    columns = [table.by_name[name] for name in table.primary_key.columns]
    texts = [text] if len(columns) == 1 else split_list(text, "key")
    if len(texts) != len(columns):
        names = ", ".join(column.name for column in columns)
        raise BadParameter(f"The key of {table.full_name} is {names}", parameter="key")
    try:
        return [
            parse_value(column, each, "key") for column, each in zip(columns, texts, strict=True)
        ]
    except BadParameter as error:
        raise RowUnknown from error


def delete_row(connection: Connection, table: Table, key: list[str]) -> None:
    """Delete the row in a transaction of its own.

    Raises `RowUnknown`, `RowReferenced` or `DeleteRefused`.
    """
    if table.primary_key is None:
        raise TableHasNoKey
    condition = SQL(" AND ").join(
        SQL("{} = {}").format(Identifier(name), SQL(f"${place}"))
        for place, name in enumerate(table.primary_key.columns, 1)
    )
    statement = SQL("DELETE FROM {} WHERE {}").format(table_identifier(table), condition)
    try:
        with connection.transaction():
            deleted = execute_raw(connection, statement, key).rowcount
    except RESTRICTING as error:
        raise RowReferenced(
            constraint=error.diag.constraint_name, table=error.diag.table_name
        ) from error
    except psycopg.DataError as error:
        raise RowUnknown from error
    except psycopg.Error as error:
        if is_data_error(error) or is_raised(error):
            raise DeleteRefused from error
        raise describe_trouble(error) from error
    if not deleted:
        raise RowUnknown
