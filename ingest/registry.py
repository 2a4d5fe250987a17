"""What this process remembers about tables: their rules and statements, by table version."""

from dataclasses import dataclass
from functools import cache

import msgspec
import psycopg
from django.conf import settings
from psycopg import Connection

from ingest.catalog import (
    Table,
    TableVersion,
    find_version,
    read_table,
)
from ingest.errors import TableUnknown
from ingest.examination import Limits
from ingest.rules import RowRules
from ingest.writer import TableWriter

# What reading a definition may end in while the table is altered or dropped: PostgreSQL's catalog
# functions look at the present, the query around them at the moment it began.
_CONTRADICTIONS = (TableUnknown, msgspec.ValidationError, psycopg.InternalError)


@dataclass(frozen=True, slots=True)
class KnownTable:
    """A table in one version of its definition, compiled."""

    version: TableVersion
    table: Table
    rules: RowRules
    writer: TableWriter


class TableRegistry:
    """The tables that requests have named, compiled once for each version of their definition.

    What is remembered is only a guess until `is_current` has asked the catalog, which a request
    does inside its transaction, under a lock that keeps the definition as it is.
    """

    def __init__(self, schemas: list[str], limits: Limits) -> None:
        self.schemas = schemas
        self.limits = limits
        self._by_name: dict[str, KnownTable] = {}

    def find(self, connection: Connection, name: str) -> KnownTable:
        """Return the table with this name as it was last seen, reading the catalog if it is new.

        Raises `TableUnknown` or `TableAmbiguous`.
        """
        known = self._by_name.get(name)
        return known if known is not None else self._read(connection, name)

    def find_current(self, connection: Connection, name: str) -> KnownTable:
        """Return the table with this name as the catalog describes it at this moment."""
        known = self.find(connection, name)
        if find_version(connection, name, self.schemas) != known.version:
            known = self._read(connection, name)
        return known

    def forget(self, name: str) -> None:
        """Have the table's definition read again when it is next named."""
        self._by_name.pop(name, None)

    def _read(self, connection: Connection, name: str) -> KnownTable:
        # Reading the definition takes a moment; it counts only if nothing changed meanwhile.
        while True:
            version = find_version(connection, name, self.schemas)
            try:
                table = read_table(connection, version.oid)
            except _CONTRADICTIONS:
                if find_version(connection, name, self.schemas) == version:
                    raise
                continue
            if find_version(connection, name, self.schemas) == version:
                break
        rules = RowRules(table, self.limits)
        known = KnownTable(version, table, rules, TableWriter(table, rules))
        self._by_name[name] = known
        return known

    def is_current(self, connection: Connection, name: str, known: KnownTable) -> bool:
        """Return whether the name still means this version of the table."""
        return find_version(connection, name, self.schemas) == known.version


@cache
def exposed_tables() -> TableRegistry:
    """Return this process's registry of the tables that rest_conf.yml exposes."""
    config = settings.CONFIG
    limits = Limits(
        max_rows=config.ingest.max_rows,
        max_row_bytes=config.ingest.max_row_bytes,
        max_depth=config.ingest.max_depth,
        max_number_digits=config.ingest.max_number_digits,
    )
    return TableRegistry(list(config.datasets), limits)
