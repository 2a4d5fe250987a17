"""What this process remembers about tables, by the version of their definition."""

from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec
import psycopg
from psycopg import Connection

from ingest.catalog.definitions import (
    Table,
    TableVersion,
    find_version,
    read_definition,
)
from ingest.errors import TableUnknown
from project.base.errors import Unavailable

# How reading a definition may end while an index, a type or the table itself vanishes.
_CONTRADICTIONS = (
    TableUnknown,
    msgspec.ValidationError,
    psycopg.InternalError,
    psycopg.errors.UndefinedObject,
)

# How often a definition is read again that changes meanwhile.
TRIES = 20


# What is made of a table's definition, for whoever uses the registry.
Compiled = TypeVar("Compiled")


@dataclass(frozen=True, slots=True)
class KnownTable(Generic[Compiled]):
    """A table in one version of its definition."""

    version: TableVersion
    table: Table
    compiled: Compiled


class TableRegistry(Generic[Compiled]):
    """The tables that requests have named, compiled once for each version of their definition.

    What is remembered is only a guess until `is_current` has asked the catalog, which a request
    does inside its transaction, under a lock that keeps the definition as it is.
    """

    def __init__(self, schemas: list[str]) -> None:
        self.schemas = schemas
        self._by_name: dict[str, KnownTable[Compiled]] = {}

    def compile(self, table: Table) -> Compiled:
        """Return what is to be remembered of a table."""
        raise NotImplementedError

    def find(self, connection: Connection, name: str) -> KnownTable[Compiled]:
        """Return the table with this name as it was last seen, reading the catalog if it is new.

        Raises `TableUnknown` or `TableAmbiguous`.
        """
        known = self._by_name.get(name)
        return known if known is not None else self._read(connection, name)

    def find_current(self, connection: Connection, name: str) -> KnownTable[Compiled]:
        """Return the table with this name as the catalog describes it at this moment."""
        known = self.find(connection, name)
        if find_version(connection, name, self.schemas) != known.version:
            known = self._read(connection, name)
        return known

    def forget(self, name: str) -> None:
        """Have the table's definition read again when it is next named."""
        self._by_name.pop(name, None)

    def _read(self, connection: Connection, name: str) -> KnownTable[Compiled]:
        # Reading the definition takes a moment; it counts only if nothing changed meanwhile. What
        # the name meant before does not tell: an index that came and went leaves no trace there.
        for tries_left in reversed(range(TRIES)):
            oid = find_version(connection, name, self.schemas).oid
            try:
                table, fingerprint = read_definition(connection, oid)
            except _CONTRADICTIONS:
                if not tries_left:
                    raise
                continue
            version = find_version(connection, name, self.schemas)
            if version.fingerprint == fingerprint:
                return self._remember(name, version, table)
        raise Unavailable("The table's definition keeps changing; send the request again")

    def _remember(self, name: str, version: TableVersion, table: Table) -> KnownTable[Compiled]:
        known = KnownTable(version, table, self.compile(table))
        self._by_name[name] = known
        return known

    def is_current(self, connection: Connection, name: str, known: KnownTable[Compiled]) -> bool:
        """Return whether the name still means this version of the table."""
        return find_version(connection, name, self.schemas) == known.version
