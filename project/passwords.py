"""Passwords of Django's users: after so many failures in a minute none is looked at."""

import time
from collections import deque
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from project.errors import RowhouseError

WINDOW_S = 60
FAILURES_A_NAME = 5
FAILURES_OF_ALL = 50
NAME_LENGTH = 150  # Django's own limit; no longer one is remembered


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
        if recent.count(name[:NAME_LENGTH]) >= FAILURES_A_NAME or len(recent) >= FAILURES_OF_ALL:
            raise TooManyAttempts

    def count_failure(self, name: str) -> None:
        """Remember a failure."""
        self._failures.append((time.monotonic(), name[:NAME_LENGTH]))


attempts = Attempts()


class LimitedBackend(ModelBackend):
    """Django's own check of names and passwords, for every login there is, with the limit."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """Return the user, None for a wrong name or password or while there were too many."""
        if username is None or password is None:
            return None
        try:
            attempts.check(username)
        except TooManyAttempts as error:
            raise PermissionDenied from error
        user = super().authenticate(request, username=username, password=password, **kwargs)
        if user is None:
            attempts.count_failure(username)
        return user
