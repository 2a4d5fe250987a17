"""The tables that requests write to, each compiled for its present definition."""

from dataclasses import dataclass, field
from functools import cache

from django.conf import settings
from psycopg import Connection

from ingest.catalog.definitions import Table
from ingest.catalog.registry import KnownTable, TableRegistry
from ingest.errors import TableAmbiguous, TableUnknown
from ingest.validation.fields import Limits, make_fields
from ingest.validation.validator import Validator
from ingest.writing.conflicts import WriteOptions
from ingest.writing.constraints.checks import ConstraintChecks
from ingest.writing.rows.partial_updates import can_update_partly
from ingest.writing.rows.writer import TableWriter


@dataclass(frozen=True, slots=True)
class CompiledTable:
    """What validates a table's rows and what writes them."""

    validator: Validator
    writer: TableWriter
    limits: Limits
    _partial: dict[frozenset[str], Validator] = field(default_factory=dict)

    def choose_validator(self, options: WriteOptions) -> Validator:
        """Return what validates rows that are written in this way.

        An update requires only the columns of its key of each row.
        """
        table, key = self.writer.table, options.key
        if options.on_conflict != "update" or key is None or not can_update_partly(table, key):
            return self.validator
        required = frozenset(key.columns)
        if all(column.name in required for column in table.columns if column.required):
            return self.validator
        if required not in self._partial:
            fields = make_fields(table, self.limits, required)
            self._partial[required] = Validator(table, fields, self.limits)
        return self._partial[required]


WritableTable = KnownTable[CompiledTable]


class WritableTables(TableRegistry[CompiledTable]):
    """The tables of some schemas, for batches within these limits."""

    def __init__(self, schemas: list[str], limits: Limits) -> None:
        super().__init__(schemas)
        self.limits = limits

    def compile(self, table: Table) -> CompiledTable:
        fields = make_fields(table, self.limits)
        checks = ConstraintChecks(table, fields)
        validator = Validator(table, fields, self.limits, checks.names_read)
        return CompiledTable(validator, TableWriter(table, checks), self.limits)


def find_table(connection: Connection, name: str) -> Table | None:
    """Return the exposed table of this name as it is now, None where there is no single one."""
    try:
        return exposed_tables().find_current(connection, name).table
    except (TableUnknown, TableAmbiguous):
        return None


@cache
def exposed_tables() -> WritableTables:
    """Return this process's registry of the tables that rest_conf.yml exposes."""
    config = settings.CONFIG
    limits = Limits(
        max_rows=config.ingest.max_rows,
        max_row_bytes=config.ingest.max_row_bytes,
        max_depth=config.ingest.max_depth,
        max_number_digits=config.ingest.max_number_digits,
        blank_is_missing=config.ingest.blank_is_missing,
    )
    return WritableTables(list(config.datasets), limits)
