"""API keys on requests: `Authorization: Api-Key KEY`, scopes, 401 and 403."""

import time
from collections.abc import Collection
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, cast

from django.conf import settings
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from project.http.access.reading import are_public, caller_of, refuse
from project.http.access.throttling import admit_request
from project.http.errors import KeyInvalid
from project.models import ApiKey, Scope

if TYPE_CHECKING:  # the views' module reads the settings that name this one
    from rest_framework.views import APIView

# A revoked key must stop working within a second, so a checked key is trusted for less.
TRUSTED_S = 0.8
LAST_USED_STEP = timedelta(minutes=1)


# By the SHA-256 of the secret: the key itself is not kept, and comparing sums tells nothing of it.
_trusted: dict[bytes, tuple[float, ApiKey]] = {}


def find_api_key(secret: str) -> ApiKey:
    """Return the live key with this secret and count the request.

    Raises `KeyInvalid` for any other secret, `TooManyRequests` beyond the limit.
    """
    key = _trust_key(secret)
    admit_request(key.prefix, settings.CONFIG.http.requests_per_minute)
    return key


def find_trusted_key(secret: str) -> ApiKey | None:
    """Return the key with this secret where it was checked a moment ago."""
    trusted = _trusted.get(sha256(secret.encode()).digest())
    return trusted[1] if trusted is not None and trusted[0] > time.monotonic() else None


def check_key(secret: str, scopes: Collection[Scope]) -> None:
    """Raise `KeyInvalid` or `ScopeMissing` where no live key with this secret has a scope."""
    require_scope(_trust_key(secret), scopes)


def require_scope(key: ApiKey, scopes: Collection[Scope]) -> None:
    """Raise `ScopeMissing` for a key that has none of the scopes, if there are any."""
    if scopes and not any(map(key.may, scopes)):
        raise refuse(key, scopes)


def read_secret(authorization: str) -> str | None:
    """Return the secret of an Authorization header, None where it is not that of a key."""
    scheme, _, secret = authorization.partition(" ")
    return secret.strip() if scheme.lower() == "api-key" else None


def _trust_key(secret: str) -> ApiKey:
    known = find_trusted_key(secret)
    if known is not None:
        return known
    digest = sha256(secret.encode()).digest()
    try:
        key = cast("ApiKey", ApiKey.objects.get_from_key(secret))
    except ApiKey.DoesNotExist as error:
        _trusted.pop(digest, None)
        raise KeyInvalid from error
    if key.has_expired:
        raise KeyInvalid
    record_use(key)
    if len(_trusted) > 1000:
        _trusted.clear()
    _trusted[digest] = (time.monotonic() + TRUSTED_S, key)
    return key


def forget_trusted_keys() -> None:
    """Drop the checked keys this process remembers."""
    _trusted.clear()


def record_use(key: ApiKey) -> None:
    """Remember, to the minute, when the key was last used."""
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at > LAST_USED_STEP:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)


class KeyAuthentication(BaseAuthentication):
    """DRF authentication that puts the `ApiKey` into `request.auth`."""

    def authenticate(self, request: Request) -> tuple[None, ApiKey] | None:
        """Return the request's key, None without one; raise `KeyInvalid` for a bad one."""
        secret = read_secret(request.META.get("HTTP_AUTHORIZATION", ""))
        return None if secret is None else (None, find_api_key(secret))

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401 answer (RFC 9110, section 11.6.1)."""
        return "Api-Key"


class HasScope(BasePermission):
    """DRF permission: the view's `scopes` name the scope each method needs, None for nobody's.

    Where they are several, one of them is enough. What `read` is for needs no key where the
    datasets that the view names (`datasets`, see `reading`) are public.
    """

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Return True; raise `KeyRequired` or `ScopeMissing` where the key does not suffice.

        Anyone may ask which methods there are. A method there is not is no question of keys: the
        view answers it with 405.
        """
        method = "GET" if request.method == "HEAD" else str(request.method)
        if method == "OPTIONS" or not hasattr(view, method.lower()):
            return True
        scopes = scopes_of(view, method)
        key = caller_of(request)
        if not scopes or (key is not None and any(map(key.may, scopes))):
            return True
        datasets = getattr(view, "datasets", None)
        if Scope.READ in scopes and datasets is not None and are_public(datasets(**view.kwargs)):
            return True
        raise refuse(key, scopes)


def scopes_of(view: "APIView | type[APIView]", method: str) -> tuple[Scope, ...]:
    """Return the scopes of which a method needs one; none where it is open to anyone."""
    scope = getattr(view, "scopes", {}).get(method, Scope.ADMIN)
    if scope is None:
        return ()
    return (scope,) if isinstance(scope, Scope) else tuple(scope)
