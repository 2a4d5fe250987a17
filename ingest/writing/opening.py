"""The statement that a batch's transaction begins with: the table locked, the key claimed."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from psycopg import Connection

from ingest.catalog.definitions import Table, TableVersion, choose_version, name_parameters
from ingest.writing.request import BatchRequest
from project.base.sql_files import read_sql

FOLDER = Path(__file__).parent / "sql"
OPEN_BATCH = read_sql(FOLDER / "open_batch.sql")


@dataclass(frozen=True, slots=True)
class Opening:
    """What a batch's transaction found when it began."""

    version: TableVersion  # of the table that the name means now, kept as it is until the commit
    is_claimed: bool  # whether the request's idempotency key, if it has one, was free


def open_batch(
    connection: Connection,
    request: BatchRequest,
    table: Table,
    schemas: list[str],
    batch: UUID,
    now: datetime,
) -> Opening:
    """Lock the table against changes of its definition and claim the request's key for a batch.

    Raises `TableUnknown` or `TableAmbiguous` where the request's name means no table any more, or
    several.
    """
    claim = request.claim
    params = {
        **name_parameters(request.table, schemas),
        "locked_schema": table.schema,
        "locked_table": table.name,
        "key_prefix": request.key_prefix,
        "key": claim and claim.key,
        "request_hash": claim and claim.request_hash,
        "batch": batch,
        "now": now,
        "expires_at": claim and now + claim.lifetime,
    }
    rows = connection.execute(OPEN_BATCH, params).fetchall()
    version = choose_version([TableVersion(*found) for *found, _ in rows], request.table)
    return Opening(version, is_claimed=all(is_claimed for *_, is_claimed in rows))
