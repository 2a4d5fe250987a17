"""When a request is sent again, and after how long."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

# Statuses that say nothing about the request itself; 408 and 502 to 504 come from proxies too.
_TRANSIENT = frozenset({408, 429, 502, 503, 504})
# The first try of this batch, whose answer was lost, is still running.
_STILL_RUNNING = "idempotency_key_in_use"

# Called with the reason and the seconds before a request is sent again, from any thread.
OnWait = Callable[[str, float], None]

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a try brought no result."""

    reason: str
    asked_s: float = 0.0  # the wait that the service asks for
    in_doubt: bool = False  # the service may have acted on the request
    is_permanent: bool = False  # another try would fail in the same way


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long one request is tried, and the waits between its tries."""

    retry_for_s: float = 300.0
    first_wait_s: float = 0.2
    longest_wait_s: float = 10.0

    def wait_s(self, tries: int, asked_s: float = 0.0) -> float:
        """Return the wait after so many tries: doubled each time, and no less than was asked for.

        A random part keeps clients that failed together from coming back together.
        """
        doubled = min(self.longest_wait_s, self.first_wait_s * 2.0 ** min(tries - 1, 30))
        return max(asked_s, doubled * random.uniform(0.5, 1.0))  # noqa: S311 - not a secret

    def retry(
        self,
        attempt: Callable[[], _Result | Failure],
        on_wait: OnWait | None = None,
        stopped: threading.Event | None = None,
    ) -> _Result | Failure:
        """Return the first result, or the last failure when time is over or the event is set.

        The failure is in doubt where any was.
        """
        stopped = stopped or threading.Event()
        give_up_at = time.monotonic() + self.retry_for_s
        tries, failure = 0, Failure("stopped before the first try")
        while not stopped.is_set():
            tries += 1
            outcome = attempt()
            if not isinstance(outcome, Failure):
                return outcome
            failure = replace(outcome, in_doubt=outcome.in_doubt or failure.in_doubt)
            wait_s = self.wait_s(tries, failure.asked_s)
            if failure.is_permanent or time.monotonic() + wait_s > give_up_at:
                break
            if on_wait and not stopped.is_set():
                on_wait(failure.reason, wait_s)
            stopped.wait(wait_s)
        return failure


def is_transient(status: int, code: str = "") -> bool:
    """Return whether the same request may be answered otherwise later."""
    return status in _TRANSIENT or code == _STILL_RUNNING


def read_retry_after(value: str | None) -> float:
    """Return the seconds a Retry-After header asks for (RFC 9110, section 10.2.3), 0 without."""
    value = (value or "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    if moment.tzinfo is None:  # "-0000"
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
