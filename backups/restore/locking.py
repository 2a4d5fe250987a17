"""One restore at a time."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from backups.errors import RestoreBusy

LOCK_KEY = "rowhouse.restore"


@contextmanager
def only_restore(connection: psycopg.Connection) -> Iterator[None]:
    """Hold off other restores; raise `RestoreBusy` where one is running."""
    row = connection.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [LOCK_KEY]).fetchone()
    if not row or not row[0]:
        raise RestoreBusy
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(hashtext(%s))", [LOCK_KEY])
