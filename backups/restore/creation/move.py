"""Tables that were made beside the others moved to their schema."""

from collections.abc import Iterable, Sequence

from psycopg import Connection
from psycopg.sql import SQL, Composed, Identifier

from backups.restore.creation.shadow import Shadow
from backups.tables import ddl
from backups.tables.catalog import set_search_path


def move_in(connection: Connection, made: Sequence[Shadow]) -> None:
    """Move tables to their schema, and give them their owners and privileges.

    Runs in the caller's transaction, with its rights. Their foreign keys are validated last: other
    tables may have been changed for them.
    """
    rows = connection.execute("SELECT rolname FROM pg_roles").fetchall()
    roles = {role for (role,) in rows}
    for one in made:
        definition = one.definition
        set_search_path(connection, one.schema, definition.schema)
        _execute(connection, _move(one))
        _execute(connection, ddl.change_owner(definition, roles))
        set_search_path(connection, definition.schema)
        _execute(connection, ddl.grant_privileges(definition, definition.schema, roles))


def validate(connection: Connection, made: Sequence[Shadow]) -> None:
    """Check the foreign keys of tables that were moved in."""
    for one in made:
        _execute(connection, ddl.validate_foreign_keys(one.definition, one.definition.schema))


def _move(one: Shadow) -> Iterable[Composed]:
    for name in (
        *(partition.table for partition in one.definition.partitions),
        one.definition.table,
    ):
        yield SQL("ALTER TABLE {} SET SCHEMA {}").format(
            Identifier(one.schema, name), Identifier(one.definition.schema)
        )


def _execute(connection: Connection, statements: Iterable[Composed]) -> None:
    for statement in statements:
        connection.execute(statement)
