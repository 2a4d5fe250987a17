"""Whether a request's key may change a table."""

from typing import cast

from rest_framework.request import Request

from project.http.errors import ScopeMissing
from project.models import ApiKey


def check_table(request: Request, full_name: str) -> None:
    """Raise `ScopeMissing` where the key is limited to other tables than `schema.table`."""
    key = cast("ApiKey", request.auth)
    schema, _, table = full_name.partition(".")
    if not key.may_ingest_into(schema, table):
        raise ScopeMissing(f"This key may not write to {full_name}", scope="ingest")
