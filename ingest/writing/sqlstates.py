"""What PostgreSQL's error codes mean for a batch: bad data, a changed table, or trouble."""

import logging

import psycopg

from ingest.catalog.definitions import Table
from ingest.errors import TableNotWritable
from ingest.outcome import RowError
from project.base.errors import RowhouseError, Unavailable

logger = logging.getLogger("rowhouse.ingest")

# States of failures that come from rows, unless they are in one of these classes: connection (08),
# feature missing (0A), transaction state (25), authorization (26, 28), serialization (40), syntax
# and access (42), resources (53), object state and locks (55), operator intervention (57), system
# and internal errors (58, F0, XX). Those may come from a row too: trying the row alone tells.
_UNCERTAIN_CLASSES = frozenset(
    {"08", "0A", "25", "26", "28", "40", "42", "53", "55", "57", "58", "F0", "XX"}
)

# What is the server's own fault: connections, resources, operator intervention, input and output,
# read-only and failed transactions, serialization and deadlocks, lock timeouts, damaged files.
_SERVER_CLASSES = frozenset({"08", "53", "57", "58", "F0"})
_SERVER_STATES = frozenset({"25006", "25P02", "25P03", "25P04", "55P03", "XX001", "XX002"})

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
    """Return whether a statement certainly failed because of the rows it was given."""
    state = error.sqlstate
    if state is None:
        return False
    return state[:2] not in _UNCERTAIN_CLASSES or _is_refused_by_policy(error)


def is_server_trouble(error: psycopg.Error) -> bool:
    """Return whether a statement failed for a reason that no row can be blamed for.

    What is neither this nor a data error may be either: a trigger may fail with any code, a value
    may need a feature that the server lacks.
    """
    state = error.sqlstate
    if state is None:
        return True
    is_of_server = state[:2] in _SERVER_CLASSES or state in _SERVER_STATES | _PASSING
    return is_of_server and not is_raised(error)


def is_raised(error: psycopg.Error) -> bool:
    """Return whether a function in PL/pgSQL raised the error: it chose the code itself."""
    return error.diag.source_function == "exec_stmt_raise"


def is_privilege_missing(error: psycopg.Error) -> bool:
    """Return whether PostgreSQL itself found that the service lacks a privilege."""
    return error.sqlstate == INSUFFICIENT_PRIVILEGE and not is_raised(error)


def _is_refused_by_policy(error: psycopg.Error) -> bool:
    # Row security has the code of a missing privilege; the executor raises it, row by row.
    return (
        error.sqlstate == INSUFFICIENT_PRIVILEGE
        and error.diag.source_function == "ExecWithCheckOptions"
    )


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
    if is_privilege_missing(error):
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
        is_of_value = state[:2] in {"22", "54"} and not is_raised(error)
        code = "bad_value" if is_of_value else "trigger_rejected"
    columns = table.constrained.get(diag.constraint_name or "", ())
    is_reference = code == "fk_violation" and len(columns) == 1
    return RowError(
        code=code,
        column=columns[0] if is_reference else diag.column_name,
        columns=columns or None,
        constraint=diag.constraint_name,
        message=(diag.message_primary or code).replace("\0", "\ufffd"),
    )


def skipped_row() -> RowError:
    """Return the error of a row that a trigger kept from being stored without saying why."""
    return RowError(code="trigger_rejected", message="a trigger of the table skipped the row")
