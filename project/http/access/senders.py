"""Who may send a body to an address, and how long it may be: known before any of it is read."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.urls import Resolver404, resolve

from project.base.errors import Unavailable
from project.http.access.keys import (
    check_key,
    find_trusted_key,
    read_secret,
    require_scope,
    scopes_of,
)
from project.http.errors import KeyRequired
from project.models import Scope

MAX_ROUTES = 1000
# Forms of pages, and calls of other standards than ours, whose views name no limit.
FORM_BYTES = 256 * 1024
_FORM_METHODS = frozenset({"POST", "PUT", "PATCH"})


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyRoute:
    """What a method of an address takes: bytes of a body, from keys with a scope or anyone."""

    max_bytes: int
    scopes: tuple[Scope, ...] = ()  # one of them is enough


NO_BODY = BodyRoute(max_bytes=0)


@lru_cache(maxsize=MAX_ROUTES)
def find_body_route(address: str, method: str) -> BodyRoute:
    """Return what a method of an address takes.

    An API view's `bodies` name the bytes of each method that takes any, its `scopes` who may call.
    """
    try:
        view: Any = resolve(address).func
    except Resolver404:
        return NO_BODY
    api_view = getattr(view, "cls", None)
    if api_view is not None:
        scopes = scopes_of(api_view, method)
        # Where a dataset may be public, the view itself looks at the key when the body is there.
        may_be_public = Scope.READ in scopes and hasattr(api_view, "datasets")
        max_bytes = getattr(api_view, "bodies", {}).get(method, 0)
        return BodyRoute(max_bytes=max_bytes, scopes=() if may_be_public else scopes)
    page = getattr(view, "view_class", None)
    takes_form = method in _FORM_METHODS and (page is None or hasattr(page, method.lower()))
    return BodyRoute(max_bytes=FORM_BYTES) if takes_form else NO_BODY


def is_known(route: BodyRoute, headers: Mapping[str, str]) -> bool | None:
    """Return whether the sender has a key that may call; None where the database must be asked.

    Without a key it is False: a browser's session is looked up when the body is there. Raises
    `KeyRequired` or `ScopeMissing`.
    """
    secret = read_secret(headers.get("authorization", ""))
    if secret is None:
        if route.scopes and settings.SESSION_COOKIE_NAME not in headers.get("cookie", ""):
            raise KeyRequired
        return False
    key = find_trusted_key(secret)
    if key is not None:
        require_scope(key, route.scopes)
    return None if key is None else True


def check_sender(route: BodyRoute, headers: Mapping[str, str]) -> None:
    """Ask the database for the sender's key; raise `KeyInvalid` or `ScopeMissing`."""
    secret = read_secret(headers.get("authorization", ""))
    if secret is not None:
        check_key(secret, route.scopes)


class Allowance:
    """Bytes that bodies of senders without a key may take in this process at once."""

    def __init__(self, max_bytes: int) -> None:
        self._left = max_bytes

    @contextmanager
    def take(self, count: int) -> Iterator[None]:
        """Take bytes until the block ends; raise `Unavailable` where too few are left."""
        if count > self._left:
            raise Unavailable("Too many bodies without a key are on their way")
        self._left -= count
        try:
            yield
        finally:
            self._left += count
