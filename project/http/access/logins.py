"""Logging in with a name and a password, wherever: guesses are counted in the database.

The counts hold for every page that asks for a password and for all processes together. Who guesses
at a name keeps out those at the same address; many addresses together can keep out a name, but
never all names. An API key logs in without being counted.
"""

from collections.abc import Callable
from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from project.http.errors import TooManyAttempts
from project.http.problems import answer_refusal
from project.models import LoginAttempt

WINDOW = timedelta(minutes=5)
ATTEMPTS_A_NAME = 5  # from one address
ATTEMPTS_AN_ADDRESS = 20
ATTEMPTS_OF_ALL = 50  # at one name
NETWORK_BITS = 64  # of an IPv6 address: what one subscriber has
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
        address = _address_of(request)
        _count_attempt(name, address)
        user = super().authenticate(request, username, password, **kwargs)
        if user is not None:
            LoginAttempt.objects.filter(name=name, address=address).delete()
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


def _count_attempt(name: str, address: str) -> None:
    """Count an attempt as failed, before it is made: many at once count as well."""
    now = timezone.now()
    known = LoginAttempt.objects
    known.filter(at__lte=now - WINDOW).delete()
    attempt = known.create(name=name, address=address, at=now)
    if (
        known.filter(name=name, address=address).count() > ATTEMPTS_A_NAME
        or known.filter(address=address).count() > ATTEMPTS_AN_ADDRESS
        or known.filter(name=name).count() > ATTEMPTS_OF_ALL
    ):
        attempt.delete()
        raise TooManyAttempts(retry_after_s=int(WINDOW.total_seconds()))


def _address_of(request: HttpRequest | None) -> str:
    """Return where a request comes from; in production the proxy in front says so."""
    if request is None:
        return ""
    told = request.META.get("HTTP_X_FORWARDED_FOR", "") if settings.CONFIG.http.production else ""
    # The proxy adds the last one; those before it are what its client said.
    text = told.rpartition(",")[2].strip() or str(request.META.get("REMOTE_ADDR", ""))
    try:
        address = ip_address(text)
    except ValueError:
        return ""
    is_long = isinstance(address, IPv6Address)
    return str(ip_network((address, NETWORK_BITS), strict=False) if is_long else address)
