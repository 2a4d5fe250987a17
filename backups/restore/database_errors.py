"""PostgreSQL's errors during a restore: what refuses it, and what only came in between."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from backups.errors import RestoreRefused, TablesBusy
from project.base.errors import RowhouseError, Unavailable

RETRY_AFTER_S = 30

# Another transaction was in the way; the same statement may succeed the next time.
CONFLICTS = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
)

# Classes of SQLSTATE that say something about the server, not about what it was asked.
_INFRASTRUCTURE = {None, "08", "53", "57", "58", "F0", "XX"}


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise `RestoreRefused`, `TablesBusy` or `Unavailable` for errors of PostgreSQL."""
    try:
        yield
    except psycopg.Error as error:
        raise _translate(error) from error


def _translate(error: psycopg.Error) -> RowhouseError:
    said = error.diag.message_primary or str(error).strip()
    if isinstance(error, (*CONFLICTS, psycopg.errors.ObjectInUse)):
        return TablesBusy(f"Others use the tables ({said}): try again", retry_after_s=RETRY_AFTER_S)
    if (error.sqlstate and error.sqlstate[:2]) in _INFRASTRUCTURE:
        return Unavailable(
            f"The database cannot do it now ({said}): try again", retry_after_s=RETRY_AFTER_S
        )
    detail = f" ({error.diag.message_detail})" if error.diag.message_detail else ""
    return RestoreRefused(f"The rows or the table are in the way: {said}{detail}")
