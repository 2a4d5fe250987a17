"""Foreign keys checked for a whole batch at once.

PostgreSQL's own trigger looks a referenced row up and locks it FOR KEY SHARE, so that it stays
until the commit: once for every row and key, which is most of what storing a batch costs. Here the
same rows are looked up and locked in the same way once for every value that occurs in the batch,
and the batch is then stored on a connection where those triggers do not fire. A batch that refers
to anything that is not there is left to the triggers.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any, TypedDict

import msgspec
from psycopg import Connection
from psycopg.errors import FeatureNotSupported, InsufficientPrivilege
from psycopg.sql import SQL, Composed, Identifier

from ingest.catalog.definitions import ForeignKey, Table
from ingest.payload.json_text import array_text
from ingest.writing.statements import Statements, execute_raw

# Returns the text of each value of a column that occurs in some rows, null aside.
FindValues = Callable[[str], set[str]]


class ReferenceMissing(Exception):
    """Some row refers to a row that cannot be seen, or whose key is written in another way."""


class BatchReferences:
    """The foreign keys of one table, for whole batches."""

    def __init__(self, table: Table) -> None:
        self._table = table
        keys = table.foreign_keys
        # Whether what a row refers to can be told from its values, and nothing else looks at it.
        self.are_checkable = bool(keys) and not table.watched and all(map(self._is_by_value, keys))
        self._keys = _make_decoder([key.columns[0] for key in keys]) if self.are_checkable else None
        self._statements = Statements()

    def hold(self, connection: Connection, columns: Collection[str], values_of: FindValues) -> None:
        """Keep what rows refer to as it is until the commit.

        `columns` are those that the rows are written to. Raises `ReferenceMissing` where something
        is not there or is not for this role to lock.
        """
        keys = [key for key in self._table.foreign_keys if key.columns[0] in columns]
        values = [sorted(values_of(key.columns[0])) for key in keys]
        if not any(values):
            return
        statement = self._statements.text(
            connection, tuple(key.name for key in keys), lambda: _hold_statement(keys)
        )
        try:
            arrays = [array_text(wanted) or wanted for wanted in values]
            found = execute_raw(connection, statement, arrays, replan=True).fetchall()[0]
        except (InsufficientPrivilege, FeatureNotSupported) as error:  # a cluster may not lock so
            raise ReferenceMissing from error
        if any(count != len(wanted) for count, wanted in zip(found, values, strict=True)):
            raise ReferenceMissing

    def values_in(self, array: bytes) -> FindValues:
        """Return a function that tells the values of a column in a JSON array of sound rows."""
        rows = self._keys.decode(array) if self._keys is not None else []

        def values_of(name: str) -> set[str]:
            return {str(row[name]) for row in rows if row.get(name) is not None}

        return values_of

    def _is_by_value(self, key: ForeignKey) -> bool:
        is_own = (key.schema, key.table) == (self._table.schema, self._table.name)
        columns = [self._table.by_name[name] for name in key.columns]
        is_given = not any(each.has_default or each.read_only for each in columns)
        return key.value_type is not None and not key.partitioned and not is_own and is_given


def _make_decoder(names: Sequence[str]) -> "msgspec.json.Decoder[Any]":
    row = TypedDict("Keys", dict.fromkeys(names, int | str | None), total=False)  # type: ignore[misc]
    return msgspec.json.Decoder(list[row])


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
