"""Addresses that know no session: their views are called past what only pages need."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch, resolve


class SessionlessMiddleware:
    """Call the views of SESSIONLESS_ADDRESSES themselves.

    Middleware that comes after this one (sessions, logins, messages, forged forms) and the search
    for the view take such a request longer than its view's own Python.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        self._matches: dict[str, ResolverMatch] = {}

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info not in settings.SESSIONLESS_ADDRESSES:
            return self._get_response(request)
        match = self._find(request.path_info)
        request.resolver_match = match
        response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
        return response

    def _find(self, address: str) -> ResolverMatch:
        match = self._matches.get(address)
        if match is None:
            match = self._matches[address] = resolve(address)
        return match
