"""Whether a request's key may change a table, and whether anyone may read it."""

from typing import cast

from rest_framework.request import Request

from ingest.errors import TableAmbiguous, TableUnknown
from ingest.writing.tables import exposed_tables
from project.base.database import reader_connection
from project.http.errors import ScopeMissing
from project.models import ApiKey


def check_table(request: Request, full_name: str) -> None:
    """Raise `ScopeMissing` where the key is limited to other tables than `schema.table`."""
    key = cast("ApiKey", request.auth)
    schema, _, table = full_name.partition(".")
    if not key.may_ingest_into(schema, table):
        raise ScopeMissing(f"This key may not write to {full_name}", scope="ingest")


def datasets_of_table(table: str, **parts: str) -> list[str]:
    """Return the dataset of a table, qualified or not; none where that cannot be told."""
    schema, dot, _ = table.partition(".")
    if dot:
        return [schema]
    try:
        return [exposed_tables().find_current(reader_connection(), table).table.schema]
    except (TableUnknown, TableAmbiguous):
        return []
