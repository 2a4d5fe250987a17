"""What this process remembers about tables: their rules and statements, by table version."""

from dataclasses import dataclass
from functools import cache

import msgspec
import psycopg
from django.conf import settings
from psycopg import Connection

from ingest.catalog.definitions import (
    Table,
    TableVersion,
    find_version,
    read_definition,
)
from ingest.errors import TableUnknown
from ingest.validation.native.binding import RowEncoder, make_encoder
from ingest.validation.row_checks import Limits
from ingest.validation.rules import RowRules
from ingest.writing.writer import TableWriter
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


@dataclass(frozen=True, slots=True)
class KnownTable:
    """A table in one version of its definition, compiled."""

    version: TableVersion
    table: Table
    rules: RowRules
    writer: TableWriter
    encoder: RowEncoder | None


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

    def _remember(self, name: str, version: TableVersion, table: Table) -> KnownTable:
        rules = RowRules(table, self.limits)
        writer = TableWriter(table, rules)
        encoder = make_encoder(table, rules.fields, self.limits, writer.checks.names_read)
        known = KnownTable(version, table, rules, writer, encoder)
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
