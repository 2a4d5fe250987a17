"""Foreign keys checked for a whole batch at once.

PostgreSQL's own trigger looks a referenced row up and locks it FOR KEY SHARE, so that it stays
until the commit: once for every row and key, which is most of what storing a batch costs. Here the
same rows are looked up and locked in the same way once for every value that occurs in the batch,
and the batch is then stored on a connection where those triggers do not fire. A batch that refers
to anything that is not there is left to the triggers.
"""

from collections.abc import Sequence
from typing import LiteralString

from psycopg import Connection
from psycopg.errors import FeatureNotSupported, InsufficientPrivilege
from psycopg.sql import SQL, Composed, Identifier

from ingest.catalog import ForeignKey, Table
from ingest.rules import Rows
from ingest.statements import execute_raw


class ReferenceMissing(Exception):
    """Some row refers to a row that cannot be seen, or whose key is written in another way."""


class BatchReferences:
    """The foreign keys of one table, for whole batches."""

    def __init__(self, table: Table) -> None:
        self._table = table
        keys = table.foreign_keys
        self._can_ever = bool(keys) and not table.watched and all(map(self._is_by_value, keys))
        # Composed once: putting a statement together costs more than sending it.
        self._statements: dict[tuple[str, ...], LiteralString] = {}

    def can_check(self, groups: Sequence[Rows]) -> bool:
        """Return whether what these rows refer to can be told from their values."""
        return self._can_ever and all(map(self._are_known, groups))

    def hold(self, connection: Connection, rows: Rows) -> None:
        """Keep what the rows refer to as it is until the commit.

        Raises `ReferenceMissing` where something is not there, or not for this role to lock.
        """
        keys = [key for key in self._table.foreign_keys if key.columns[0] in rows.columns]
        values = [sorted(rows.values_of(key.columns[0])) for key in keys]
        if not any(values):
            return
        statement = self._compose(connection, keys)
        try:
            found = execute_raw(connection, statement, values).fetchall()[0]
        except (InsufficientPrivilege, FeatureNotSupported) as error:  # a cluster may not lock so
            raise ReferenceMissing from error
        if any(count != len(wanted) for count, wanted in zip(found, values, strict=True)):
            raise ReferenceMissing

    def _compose(self, connection: Connection, keys: Sequence[ForeignKey]) -> LiteralString:
        names = tuple(key.name for key in keys)
        statement = self._statements.get(names)
        if statement is None:
            statement = self._statements[names] = _hold_statement(keys).as_string(connection)
        return statement

    def _is_by_value(self, key: ForeignKey) -> bool:
        is_own = (key.schema, key.table) == (self._table.schema, self._table.name)
        return key.value_type is not None and not key.partitioned and not is_own

    def _are_known(self, rows: Rows) -> bool:
        left_out = (key for key in self._table.foreign_keys if key.columns[0] not in rows.columns)
        return rows.has_values and not any(
            self._table.by_name[key.columns[0]].has_default for key in left_out
        )


def _hold_statement(keys: Sequence[ForeignKey]) -> Composed:
    """Return one SELECT with a count for each key: the rows found, each of them locked.

    The order is the same in all batches, so that they do not wait for each other crosswise.
    """
    counts = [
        SQL(
            "(SELECT count(*) FROM (SELECT FROM ONLY {table}"
            " WHERE {column} = ANY ({value}::{type}[]) ORDER BY {column} FOR KEY SHARE) AS held)"
        ).format(
            table=Identifier(key.schema, key.table),
            column=Identifier(key.referenced[0]),
            value=SQL(f"${number}"),
            type=SQL(str(key.value_type)),
        )
        for number, key in enumerate(keys, 1)
    ]
    return SQL("SELECT {}").format(SQL(", ").join(counts))
