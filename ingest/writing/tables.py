"""The tables that requests write to, each compiled for its present definition."""

from dataclasses import dataclass
from functools import cache

from django.conf import settings
from psycopg import Connection

from ingest.catalog.definitions import Table
from ingest.catalog.registry import KnownTable, TableRegistry
from ingest.errors import TableAmbiguous, TableUnknown
from ingest.validation.fields import Limits, make_fields
from ingest.validation.validator import Validator
from ingest.writing.constraints.checks import ConstraintChecks
from ingest.writing.writer import TableWriter


@dataclass(frozen=True, slots=True)
class CompiledTable:
    """What validates a table's rows and what writes them."""

    validator: Validator
    writer: TableWriter


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
        return CompiledTable(validator, TableWriter(table, checks))


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
