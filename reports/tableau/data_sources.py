"""The .tds files of this installation's reports."""

from collections.abc import Sequence

from django.conf import settings
from psycopg import Connection

from project.base.database import REPORT_READER_ROLE
from reports.engine.contents import DescribedColumn, describe_columns
from reports.engine.definition import Definition
from reports.engine.tables import read_columns
from reports.tableau.tds import Server, TableauTable, make_data_source, make_schema_source

STATUS_TABLE = "report_status"
STATUS_CAPTIONS = {
    "report": "Report",
    "refreshed_at": "Refreshed at",
    "rows": "Rows",
    "last_batch": "Last batch",
    "open_rejections": "Open rejections",
    "last_error": "Last error",
}


def find_server() -> Server:
    """Return where Tableau finds the reports: the address that the service itself connects to."""
    database = settings.DATABASES["default"]
    is_separate = settings.CONFIG.database.separate_roles
    return Server(
        host=database["HOST"],
        port=str(database["PORT"]),
        database=database["NAME"],
        user=REPORT_READER_ROLE if is_separate else database["USER"],
    )


def make_report_source(connection: Connection, definition: Definition) -> bytes:
    """Return the .tds of one report."""
    return make_data_source(find_server(), _table(connection, definition))


def make_all_reports_source(connection: Connection, definitions: Sequence[Definition]) -> bytes:
    """Return the .tds of every report that has a table."""
    tables = [_table(connection, definition) for definition in definitions]
    hub = TableauTable(
        name=STATUS_TABLE, caption="Report status", columns=_status_columns(connection)
    )
    return make_schema_source(find_server(), [table for table in tables if table.columns], hub)


def _table(connection: Connection, definition: Definition) -> TableauTable:
    return TableauTable(
        name=definition.name,
        caption=definition.header.title,
        columns=describe_columns(connection, definition),
    )


def _status_columns(connection: Connection) -> list[DescribedColumn]:
    roles = {"rows": "measure", "open_rejections": "measure"}
    return [
        DescribedColumn(
            name, STATUS_CAPTIONS.get(name, name), "", type_, roles.get(name, "dimension")
        )
        for name, type_ in read_columns(connection, STATUS_TABLE)
    ]
