"""How often passwords may be guessed: so many failures a minute, then none is looked at."""

import time
from collections import deque

from project.errors import RowhouseError

WINDOW_S = 60
FAILURES_A_NAME = 5
FAILURES_OF_ALL = 50


class TooManyAttempts(RowhouseError):
    """Too many failed attempts to log in: wait a minute."""

    code = "too_many_attempts"


class Attempts:
    """Failures of the last minute, counted by each process for itself.

    Keys are not counted: their 32 random characters cannot be guessed.
    """

    def __init__(self) -> None:
        self._failures: deque[tuple[float, str]] = deque(maxlen=FAILURES_OF_ALL)

    def check(self, name: str) -> None:
        """Raise `TooManyAttempts` where this name, or all names together, failed too often."""
        since = time.monotonic() - WINDOW_S
        recent = [failed for moment, failed in self._failures if moment > since]
        if recent.count(name) >= FAILURES_A_NAME or len(recent) >= FAILURES_OF_ALL:
            raise TooManyAttempts

    def count_failure(self, name: str) -> None:
        """Remember a failure."""
        self._failures.append((time.monotonic(), name))
