"""Reports and notes, written by the ingest writer: the same rules, codes and log of rejections."""

from collections.abc import Mapping
from typing import Any

import msgspec
import psycopg
from django.conf import settings
from psycopg.sql import SQL, Identifier

from apis.open311.access import Caller
from apis.open311.errors import IncidentUnknown, ReportRejected
from ingest.outcome import ReceiptRejection
from ingest.payload.payload import JsonArray
from ingest.writing.batch import ingest_batch
from ingest.writing.request import BatchRequest
from ingest.writing.sqlstates import describe_trouble
from ingest.writing.tables import exposed_tables
from project.base.database import writer_connection
from project.base.errors import Unavailable

# Draws of an id before it is given up that the next one is free.
DRAWS = 5


def file_row(table: str, key: str, values: Mapping[str, Any], caller: Caller) -> int:
    """Store one row under the next free id of its column `key`, and return that id.

    Raise `ReportRejected` with the ingest endpoint's codes where the row cannot be stored; its
    rejection is logged then. Raise `IncidentUnknown` for a note about no incident.
    """
    number = _draw_id(table, key)
    row = JsonArray(msgspec.json.encode([{key: number, **values}]))
    request = BatchRequest(
        table=table,
        key_prefix=caller.key_prefix,
        max_raw_bytes=settings.CONFIG.ingest.max_raw_bytes,
    )
    receipt = ingest_batch(writer_connection, exposed_tables(), request, row).receipt
    if receipt.rejections:
        raise _refusal(receipt.rejections[0], str(receipt.batch))
    return number


def _draw_id(table: str, key: str) -> int:
    schema, _, name = table.partition(".")
    statement = SQL(
        "SELECT drawn.id, EXISTS (SELECT FROM {table} t WHERE t.{key} = drawn.id)"
        " FROM (SELECT nextval(pg_get_serial_sequence(%s, %s)) AS id) drawn"
    ).format(table=Identifier(schema, name), key=Identifier(key))
    try:
        for _ in range(DRAWS):
            drawn = writer_connection().execute(statement, [table, key]).fetchone()
            if drawn is not None and not drawn[1]:
                return int(drawn[0])
    except psycopg.Error as error:
        raise describe_trouble(error) from error
    raise Unavailable("Ids are being loaded; send the report again")


def _refusal(rejection: ReceiptRejection, batch: str) -> Exception:
    errors = rejection.errors
    if any(e.code == "fk_violation" and "incident_id" in e.concerns for e in errors):
        return IncidentUnknown(batch=batch, errors=errors)
    what = "; ".join(error.message for error in errors)
    return ReportRejected(f"Nothing was stored: {what}", batch=batch, errors=errors)
