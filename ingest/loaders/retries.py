"""When a request is sent again, and after how long."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

# Answers that say nothing about the batch; 408 and 502 to 504 come from proxies too.
_PASSING = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
# The first try of this batch, whose answer was lost, is still running.
_STILL_RUNNING = "idempotency_key_in_use"


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long one batch is tried, and the waits between its tries."""

    retry_for_s: float = 300.0
    first_wait_s: float = 0.2
    longest_wait_s: float = 10.0

    def wait_s(self, tries: int, asked_s: float = 0.0) -> float:
        """Return the wait after so many tries: doubled each time, and no less than was asked for.

        A random part keeps clients that failed together from coming back together.
        """
        doubled = min(self.longest_wait_s, self.first_wait_s * 2.0 ** min(tries - 1, 30))
        return max(asked_s, doubled * random.uniform(0.5, 1.0))  # noqa: S311 - not a secret


def is_passing(status: int, code: str) -> bool:
    """Return whether the same request may be answered otherwise later."""
    return status in _PASSING or code == _STILL_RUNNING


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
