"""Logging in with a name and a password, wherever: guesses are counted in the database.

The count holds for every page that asks for a password and for all processes together.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from project.http.errors import TooManyAttempts
from project.http.problems import answer_refusal
from project.models import LoginAttempt

WINDOW = timedelta(minutes=5)
ATTEMPTS_A_NAME = 5
ATTEMPTS_OF_ALL = 100
NAME_LENGTH = 150  # Django's own limit; no longer one is remembered


class GuardedBackend(ModelBackend):
    """Django's users, whose passwords cannot be guessed at will."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """Return the user; raise `TooManyAttempts` before the password is looked at."""
        if username is None or password is None:
            return None
        name = username[:NAME_LENGTH].replace("\0", "")
        _count_attempt(name)
        user = super().authenticate(request, username, password, **kwargs)
        if user is not None:
            LoginAttempt.objects.filter(name=name).delete()
        return user


class LoginGuardMiddleware:
    """Answers `TooManyAttempts` from views that are not ours, such as the admin's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return the problem document, None for other errors."""
        return answer_refusal(exception) if isinstance(exception, TooManyAttempts) else None


def _count_attempt(name: str) -> None:
    """Count an attempt as failed, before it is made: many at once count as well."""
    since = timezone.now() - WINDOW
    LoginAttempt.objects.filter(at__lte=since).delete()
    attempt = LoginAttempt.objects.create(name=name, at=timezone.now())
    of_name = LoginAttempt.objects.filter(name=name).count()
    if of_name > ATTEMPTS_A_NAME or LoginAttempt.objects.count() > ATTEMPTS_OF_ALL:
        attempt.delete()
        raise TooManyAttempts(retry_after_s=int(WINDOW.total_seconds()))
