"""What PostgreSQL's error codes mean for a batch: bad data, a changed table, or trouble."""

import logging

import psycopg

from ingest.catalog.definitions import Table
from ingest.errors import TableNotWritable
from ingest.outcome import RowError
from project.base.errors import RowhouseError, Unavailable

logger = logging.getLogger("rowhouse.ingest")

# The classes of errors that say nothing about the data: connection lost (08), feature missing (0A),
# transaction state (25), serialization and deadlock (40), resources (53), operator intervention
# and locks (55, 57), system and internal errors (58, XX), authorization (28), syntax, access (42).
_TROUBLE_CLASSES = frozenset(
    {"08", "0A", "25", "26", "28", "40", "42", "53", "55", "57", "58", "F0", "XX"}
)

# Trouble that passes when the transaction is simply run again.
_PASSING = frozenset({"40001", "40P01"})

INSUFFICIENT_PRIVILEGE = "42501"

# The row code of a failure that PostgreSQL found in a single row.
_ROW_CODES = {
    "22001": "too_long",
    "22003": "out_of_range",
    "22007": "bad_timestamp",
    "22008": "bad_timestamp",
    "22009": "bad_timestamp",
    "22021": "nul_character",
    "22P05": "nul_character",
    "23502": "null_not_allowed",
    "23503": "fk_violation",
    "23505": "duplicate_key",
    "23514": "check_violation",
    "23P01": "exclusion_violation",
    "21000": "duplicate_in_batch",
}


def is_data_error(error: psycopg.Error) -> bool:
    """Return whether a statement failed because of the rows it was given."""
    state = error.sqlstate
    if state is None:
        return False
    return state[:2] not in _TROUBLE_CLASSES or _is_refused_by_policy(error)


def _is_refused_by_policy(error: psycopg.Error) -> bool:
    # Row security has the code of a missing privilege; the executor raises it, row by row.
    return (
        error.sqlstate == INSUFFICIENT_PRIVILEGE
        and error.diag.source_function == "ExecWithCheckOptions"
    )


def is_refused_question(error: psycopg.Error) -> bool:
    """Return whether PostgreSQL cannot answer a question about the data at all.

    A rule may read the whole row or the table's oid, or refer to a table that the service may not
    read. Whether rows break it shows when they are written.
    """
    return (error.sqlstate or "").startswith("42")


def is_passing(error: psycopg.Error) -> bool:
    """Return whether the same transaction may well succeed when it is run again."""
    return error.sqlstate in _PASSING


def is_connection_lost(error: psycopg.Error) -> bool:
    """Return whether the connection, not a statement, is what failed."""
    state = error.sqlstate
    return isinstance(error, psycopg.OperationalError) and (
        state is None or state[:2] == "08" or state in {"57P01", "57P02", "57P03"}
    )


def describe_trouble(error: psycopg.Error) -> RowhouseError:
    """Return the error a client is told when the fault is not in its rows."""
    if error.sqlstate == INSUFFICIENT_PRIVILEGE:
        return TableNotWritable()
    logger.warning(
        "batch not stored",
        extra={"sqlstate": error.sqlstate, "error": type(error).__name__},
    )
    return Unavailable("The database cannot take the batch now; send it again with the same key")


def describe_row_failure(error: psycopg.Error, table: Table) -> RowError:
    """Return the row error for a failure of a statement that held just one row."""
    state = error.sqlstate or ""
    diag = error.diag
    code = _ROW_CODES.get(state)
    if _is_refused_by_policy(error):
        code = "check_violation"
    elif code is None:
        code = "bad_value" if state[:2] in {"22", "54"} else "trigger_rejected"
    return RowError(
        code=code,
        column=diag.column_name,
        columns=table.constrained.get(diag.constraint_name or ""),
        constraint=diag.constraint_name,
        message=(diag.message_primary or code).replace("\0", "\ufffd"),
    )


def skipped_row() -> RowError:
    """Return the error of a row that a trigger kept from being stored without saying why."""
    return RowError(code="trigger_rejected", message="a trigger of the table skipped the row")
