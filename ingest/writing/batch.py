"""One batch, from its rows to its receipt, tried until its transaction says yes or no."""

import psycopg

from ingest.catalog.registry import TableRegistry
from ingest.errors import BadRequest, TableAmbiguous, TableUnknown, TooLarge
from ingest.outcome import Receipt
from ingest.writing.attempt import Attempt, TableChanged
from ingest.writing.constraints.references import ReferenceMissing
from ingest.writing.fault_points import Point, reach
from ingest.writing.request import (
    BatchRequest,
    Companion,
    Connect,
    ConnectUnchecked,
    Decode,
    connect_nowhere,
)
from ingest.writing.sqlstates import describe_trouble, is_connection_lost, is_data_error, is_passing
from ingest.writing.writer import RowsSkipped
from project.base.errors import Unavailable

# How often a batch is tried again when its table changes, or another transaction is in its way.
TRIES = 5

# The table, or the schema it was in, is gone.
UNDEFINED = frozenset({"42P01", "3F000"})


def ingest_batch(
    connect: Connect,
    registry: TableRegistry,
    request: BatchRequest,
    decode: Decode,
    companion: Companion | None = None,
    connect_unchecked: ConnectUnchecked = connect_nowhere,
) -> tuple[Receipt, bool]:
    """Store what can be stored of a batch; return its receipt, and whether that is an old one.

    Rows, rejections, idempotency key and receipt commit in one transaction. Raises request errors
    for what is wrong with the whole batch and `Unavailable` for trouble that is not the client's;
    nothing is stored in either case.
    """
    carefully = False
    for _ in range(TRIES):
        attempt = Attempt(registry, request, decode, companion, connect_unchecked)
        try:
            answer = attempt.run(connect(), carefully=carefully)
            reach(Point.COMMITTED)
            return answer
        except (BadRequest, TooLarge, TableUnknown, TableAmbiguous):
            # Whatever became of the table since, a batch that was stored has its receipt.
            receipt = attempt.find_stored_receipt(connect())
            if receipt is None:
                raise
            return receipt, True
        except TableChanged:
            registry.forget(request.table)
        except (RowsSkipped, ReferenceMissing):
            connect_unchecked = connect_nowhere if carefully else connect_unchecked
            carefully = True
        except psycopg.Error as error:
            if error.sqlstate in UNDEFINED:
                registry.forget(request.table)
            elif is_data_error(error) and not carefully:
                carefully = True
            elif not (is_passing(error) or (attempt.is_untouched and is_connection_lost(error))):
                raise describe_trouble(error) from error
    raise Unavailable("The table or its rows keep changing; send the batch again")
