"""Browser sessions: a person signed in with an API key or as a member of staff.

The session of a key holds the key's prefix, never the key. The key is looked up at each request,
so that a revoked or expired one ends its sessions at once. A member of staff (a Django user) may
do what a key may that has the scopes of the user's permissions `project.api_read` and so on.
"""

from typing import cast

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import rotate_token
from rest_framework.authentication import BaseAuthentication, CSRFCheck
from rest_framework.request import Request

from project.http.access.keys import KeyAuthentication, record_use
from project.http.errors import CsrfFailed
from project.models import ApiKey, Scope

PREFIX = "api_key_prefix"


def sign_in_with_key(request: HttpRequest, key: ApiKey) -> None:
    """Begin a session for the key; whatever the old one held is gone."""
    request.session.flush()
    request.session[PREFIX] = key.prefix
    rotate_token(request)


def sign_in_as_user(request: HttpRequest, user: User) -> None:
    """Begin a session for the user; whatever the old one held is gone."""
    request.session.flush()
    login(request, user)


def find_caller(request: HttpRequest) -> ApiKey | None:
    """Return the key that the request brings, else that of its session; raise `KeyInvalid`."""
    if not hasattr(request, "caller"):
        found = KeyAuthentication().authenticate(Request(request))
        request.caller = found[1] if found else find_signed_in(request)  # type: ignore[attr-defined]
    return cast("ApiKey | None", request.caller)  # type: ignore[attr-defined]


def find_signed_in(request: HttpRequest) -> ApiKey | None:
    """Return the key of the request's session, or one that stands for its member of staff.

    The latter is stored nowhere; its prefix is `user:` and the user's id.
    """
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return None
    if not hasattr(request, "signed_in"):
        # Where reading it fails, the error page is shown as to somebody who is not signed in.
        request.signed_in = None  # type: ignore[attr-defined]
        request.signed_in = _read_session(request)  # type: ignore[attr-defined]
    return cast("ApiKey | None", request.signed_in)  # type: ignore[attr-defined]


def _read_session(request: HttpRequest) -> ApiKey | None:
    user = request.user
    if user.is_active and user.is_staff:
        scopes = [scope for scope in Scope if user.has_perm(f"project.api_{scope}")]
        return ApiKey(prefix=f"user:{user.pk}", name=user.get_username(), scopes=scopes)
    prefix = request.session.get(PREFIX)
    if prefix is None:
        return None
    key = ApiKey.objects.filter(prefix=prefix, revoked=False).first()
    if key is None or key.has_expired:
        request.session.flush()
        return None
    record_use(key)
    return key


class SessionAuthentication(BaseAuthentication):
    """DRF authentication that puts the session's `ApiKey` into `request.auth`."""

    def authenticate(self, request: Request) -> tuple[None, ApiKey] | None:
        """Return the session's key, None without a session; raise `CsrfFailed`.

        A request that changes something must bring the token that pages hold: other sites can
        make a browser send its cookies, but cannot read our pages.
        """
        key = find_signed_in(request._request)
        if key is None:
            return None
        _check_token(request._request)
        return None, key


def _check_token(request: HttpRequest) -> None:
    check = CSRFCheck(lambda _: HttpResponse())
    check.process_request(request)
    # API views are exempt from the middleware, which would ask keys for a token too.
    if check.process_view(request, HttpResponse, (), {}) is not None:
        raise CsrfFailed


def expire_sessions() -> None:
    """Delete the records of sessions that have expired."""
    call_command("clearsessions")
