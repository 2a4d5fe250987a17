"""One batch, from its rows to its receipt, tried until its transaction says yes or no."""

import psycopg

from ingest.errors import BadRequest, TableAmbiguous, TableUnknown, TooLarge
from ingest.payload.payload import Payload
from ingest.writing.attempt import Attempt, Stored, TableChanged
from ingest.writing.constraints.by_value import TableSwapped
from ingest.writing.constraints.checks import ReferenceMissing
from ingest.writing.fault_points import Point, reach
from ingest.writing.request import (
    Allow,
    BatchRequest,
    Companion,
    Connect,
    ConnectUnchecked,
    allow_all,
    connect_nowhere,
)
from ingest.writing.rows.writer import RowsSkipped
from ingest.writing.sqlstates import (
    describe_trouble,
    is_connection_lost,
    is_passing,
    is_server_trouble,
)
from ingest.writing.tables import WritableTables
from project.base.errors import Unavailable

# How often a batch is tried again when its table changes, or another transaction is in its way.
TRIES = 5

# The table, or the schema it was in, is gone.
UNDEFINED = frozenset({"42P01", "3F000"})


def ingest_batch(
    connect: Connect,
    tables: WritableTables,
    request: BatchRequest,
    source: Payload | Companion,
    *,
    allow: Allow = allow_all,
    connect_unchecked: ConnectUnchecked = connect_nowhere,
) -> Stored:
    """Store what can be stored of a batch.

    Rows, rejections, idempotency key and receipt commit in one transaction. Raises request errors
    for what is wrong with the whole batch, what `allow` raises, and `Unavailable` for trouble that
    is not the client's; nothing is stored in any of these cases.
    """
    isolates_rows = False
    for _ in range(TRIES):
        attempt = Attempt(tables, request, source, allow, isolates_rows=isolates_rows)
        try:
            stored = attempt.run(connect(), connect_unchecked)
            reach(Point.COMMITTED)
            return stored
        except (BadRequest, TooLarge, TableUnknown, TableAmbiguous):
            # Whatever became of the table since, a batch that was stored has its receipt.
            receipt = attempt.find_stored_receipt(connect())
            if receipt is None:
                raise
            return Stored(receipt)
        except (TableChanged, TableSwapped):
            tables.forget(request.table)
        except (RowsSkipped, ReferenceMissing):
            connect_unchecked = connect_nowhere if isolates_rows else connect_unchecked
            isolates_rows = True
        except psycopg.Error as error:
            if error.sqlstate in UNDEFINED:
                tables.forget(request.table)
            if not (attempt.is_untouched or isolates_rows or is_server_trouble(error)):
                isolates_rows = True
            elif not _may_pass(error, attempt):
                raise describe_trouble(error) from error
    raise Unavailable("The table or its rows keep changing; send the batch again")


def _may_pass(error: psycopg.Error, attempt: Attempt) -> bool:
    if error.sqlstate in UNDEFINED or is_passing(error):
        return True
    return attempt.is_untouched and is_connection_lost(error)
