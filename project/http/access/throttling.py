"""Requests per API key and minute, limited for all processes on one database together.

A process takes a hundredth of a minute's requests at a time from `service.key_usage` and gives
them out by itself: most requests cost a look into a dictionary. What is taken never exceeds the
limit; what a process took and did not need is lost for the others, a hundredth each at most.
"""

import math
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

from project.base.database import reader_connection
from project.base.errors import Unavailable
from project.base.sql_files import read_sql
from project.http.errors import TooManyRequests

SHARES = 100
MAX_REMEMBERED = 1000

TAKE_REQUESTS = read_sql(Path(__file__).parent / "sql" / "take_requests.sql")


@dataclass(slots=True)
class _Share:
    """Requests that this process may still let pass."""

    left: int
    ends: float  # on the monotonic clock
    is_last: bool  # the limit is reached


_shares: dict[str, _Share] = {}
_lock = threading.Lock()


def admit_request(key_prefix: str, limit: int | None) -> None:
    """Count a request of the key; raise `TooManyRequests` beyond the limit a minute."""
    if limit is None:
        return
    while not _use_share(key_prefix):
        _keep_share(key_prefix, _take_share(key_prefix, limit))


def forget_shares() -> None:
    """Drop what this process has taken."""
    _shares.clear()


def _use_share(key_prefix: str) -> bool:
    """Use one request of the share, if there is one; raise where there can be none."""
    now = time.monotonic()
    with _lock:
        share = _shares.get(key_prefix)
        if share is None or share.ends <= now:
            return False
        if share.left:
            share.left -= 1
            return True
        if share.is_last:
            raise TooManyRequests(retry_after_s=math.ceil(share.ends - now))
    return False


def _keep_share(key_prefix: str, share: _Share) -> None:
    with _lock:
        if len(_shares) > MAX_REMEMBERED:
            _shares.clear()
        known = _shares.get(key_prefix)
        if known is not None and known.ends > time.monotonic():
            share.left += known.left  # another thread took one, too
        _shares[key_prefix] = share


def _take_share(key_prefix: str, limit: int) -> _Share:
    """Take the next share from the database, whose clock says which minute it is."""
    asked = max(1, limit // SHARES)
    values = {"key_prefix": key_prefix, "asked": asked}
    try:
        row = reader_connection().execute(TAKE_REQUESTS, values).fetchone()
    except psycopg.Error as error:
        raise Unavailable("The database cannot answer now") from error
    taken, seconds = row if row is not None else (asked, 0.0)
    granted = max(0, min(asked, limit - (taken - asked)))
    return _Share(granted, time.monotonic() + seconds, is_last=granted < asked)
