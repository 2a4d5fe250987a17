"""Shadow tables put in the place of the tables they replace, all in one transaction."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import psycopg
from psycopg.sql import SQL, Composed, Identifier

from backups.errors import RestoreRefused, TablesBusy
from backups.restore.database_errors import CONFLICTS, RETRY_AFTER_S
from backups.restore.swap.shadow import undo_schema
from backups.tables import ddl
from backups.tables.catalog import (
    Dependent,
    find_table,
    read_definition,
    read_dependents,
    set_search_path,
)
from backups.tables.definition import TableDefinition
from project.base.sql_files import read_statements

FOLDER = Path(__file__).parent / "sql"
RECEIPTS = "service.batch"

LOCK_TIMEOUT = "2s"
LOCK_TRIES = 15
LOCK_PAUSE_S = 0.5


@dataclass(frozen=True)
class Replacement:
    """A table in another schema and the one it replaces; both have the definition.

    `oid` is that of the replaced one, None where there is none now.
    """

    definition: TableDefinition
    schema: str
    oid: int | None


def swap(connection: psycopg.Connection, replacements: Sequence[Replacement]) -> None:
    """Replace the tables; readers see the old ones until the commit, the new ones after it.

    The old tables are kept in the undo schema. Raises `RestoreRefused` where other tables' rows
    would refer to rows that are not there any more, `TablesBusy` where the tables cannot be locked
    in time or others lock them in another order.
    """
    for _ in range(LOCK_TRIES):
        try:
            with connection.transaction():
                _Swap(connection, replacements).run()
        except CONFLICTS:
            time.sleep(LOCK_PAUSE_S)
        except psycopg.errors.ForeignKeyViolation as error:
            raise RestoreRefused(
                f"Rows of another table refer to rows that the backup does not have: "
                f"{error.diag.message_detail or error}"
            ) from error
        else:
            return
    raise TablesBusy(retry_after_s=RETRY_AFTER_S)


class _Swap:
    def __init__(self, connection: psycopg.Connection, replacements: Sequence[Replacement]) -> None:
        self._connection = connection
        self._replacements = replacements
        self._roles = {
            role for (role,) in connection.execute("SELECT rolname FROM pg_roles").fetchall()
        }

    def run(self) -> None:
        self._connection.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
        replaced = [one for one in self._replacements if one.oid is not None]
        for one in replaced:
            self._execute_in(
                one, [SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(self._live(one))]
            )
        replaced = [self._read_again(one) for one in replaced]
        dependents_of = [(one, self._read_dependents_of(one)) for one in replaced]
        for one, dependents in dependents_of:
            self._execute_in(one, ddl.drop_foreign_keys(dependents))
        for one in replaced:
            self._move_to_undo(one)
        created = [one for one in self._replacements if one.oid is None]
        for one in [*replaced, *created]:
            self._move_in(one)
        for one, dependents in dependents_of:
            set_search_path(self._connection, one.definition.schema)
            self._execute(ddl.recreate_dependents(dependents))
        if any(one.definition.full_name == RECEIPTS for one in replaced):
            for statement in read_statements(FOLDER / "keys.sql"):
                self._connection.execute(statement)

    def _live(self, one: Replacement) -> Identifier:
        return Identifier(one.definition.schema, one.definition.table)

    def _read_again(self, one: Replacement) -> Replacement:
        """Return the replacement with its sequences as they are now that nobody can use them.

        Raise `RestoreRefused` where the table is not the one that the plan was made for.
        """
        schema, name = one.definition.schema, one.definition.table
        if find_table(self._connection, schema, name) == one.oid:
            definition = read_definition(self._connection, int(one.oid or 0), schema)
            if _without_last_values(definition) == _without_last_values(one.definition):
                return replace(one, definition=definition)
        raise RestoreRefused(f"{schema}.{name} was changed while it was restored: try again")

    def _read_dependents_of(self, one: Replacement) -> list[Dependent]:
        # The foreign keys of a table that is replaced too are in its own definition.
        replaced = {
            (other.definition.schema, other.definition.table) for other in self._replacements
        }
        dependents = read_dependents(self._connection, int(one.oid or 0), one.definition.schema)
        return [
            dependent
            for dependent in dependents
            if dependent.table is None or (dependent.schema, dependent.table) not in replaced
        ]

    def _move_to_undo(self, one: Replacement) -> None:
        """Move the old table to the undo schema."""
        undo, table = undo_schema(one.definition.schema), one.definition.table
        set_search_path(self._connection, one.definition.schema)
        for sequence in one.definition.sequences:
            if not sequence.identity:
                name = Identifier(one.definition.schema, sequence.name)
                self._execute([SQL("ALTER SEQUENCE {} OWNED BY NONE").format(name)])
        foreign_keys = [
            SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(
                self._live(one), Identifier(constraint.name)
            )
            for constraint in one.definition.constraints
            if constraint.kind == "f"
        ]
        self._execute(
            [
                SQL("CREATE SCHEMA IF NOT EXISTS {}").format(Identifier(undo)),
                SQL("DROP TABLE IF EXISTS {}").format(Identifier(undo, table)),
                *foreign_keys,
                *self._move(one, one.definition.schema, undo),
            ]
        )

    def _move_in(self, one: Replacement) -> None:
        definition = one.definition
        set_search_path(self._connection, one.schema, definition.schema)
        self._execute(self._move(one, one.schema, definition.schema))
        self._execute(ddl.change_owner(definition, self._roles))
        if one.oid is not None:
            self._execute(
                ddl.own_sequence(sequence, definition.schema, definition.table)
                for sequence in definition.sequences
                if not sequence.identity
            )
        set_search_path(self._connection, definition.schema)
        self._execute(ddl.grant_privileges(definition, definition.schema, self._roles))
        for sequence in definition.sequences:
            self._set_sequence(one, sequence.name, sequence.column, sequence.last_value)

    def _move(self, one: Replacement, origin: str, target: str) -> list[Composed]:
        names = [partition.table for partition in one.definition.partitions] + [
            one.definition.table
        ]
        return [
            SQL("ALTER TABLE {} SET SCHEMA {}").format(Identifier(origin, name), Identifier(target))
            for name in names
        ]

    def _set_sequence(
        self, one: Replacement, name: str, column: str, last_value: int | None
    ) -> None:
        """Have the sequence continue after every number that is, or was, in use."""
        statement = SQL(
            "SELECT setval({sequence}::regclass, greatest(%s, m)) FROM"
            " (SELECT max({column})::bigint AS m FROM {table}) used"
            " WHERE greatest(%s, m) IS NOT NULL"
        ).format(
            sequence=SQL("format('%%I.%%I', %s::text, %s::text)"),
            column=Identifier(column),
            table=self._live(one),
        )
        self._connection.execute(statement, [one.definition.schema, name, last_value, last_value])

    def _execute_in(self, one: Replacement, statements: Iterable[Composed]) -> None:
        set_search_path(self._connection, one.schema, one.definition.schema)
        self._execute(statements)

    def _execute(self, statements: Iterable[Composed]) -> None:
        for statement in statements:
            self._connection.execute(statement)


def _without_last_values(definition: TableDefinition) -> TableDefinition:
    sequences = tuple(
        msgspec.structs.replace(sequence, last_value=None) for sequence in definition.sequences
    )
    return msgspec.structs.replace(definition, sequences=sequences)
