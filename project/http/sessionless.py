"""Requests that know no session: their views are called past what only pages need."""

from collections.abc import Callable
from typing import cast

from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import SimpleTemplateResponse
from django.urls import ResolverMatch, resolve

from project.http.content_policy import protect

MAX_HOSTS = 100
MAX_MATCHES = 1000


class SessionlessMiddleware:
    """Call the views of SESSIONLESS_ADDRESSES and COOKIELESS_ADDRESS themselves.

    Middleware that comes after this one and the search for the view take such a request longer than
    its view's own Python. What it would do for an answer that is no page is done here: the host is
    checked, the length told and the headers set that keep browsers safe.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        self._call = convert_exception_to_response(self._call_view)
        self._matches: dict[str, ResolverMatch] = {}
        self._hosts: set[str | None] = set()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not _knows_no_session(request):
            return self._get_response(request)
        response = cast("HttpResponse", self._call(request))
        response.headers.setdefault("Content-Length", str(len(response.content)))
        return protect(response)

    def _call_view(self, request: HttpRequest) -> HttpResponse:
        self._check_host(request)
        match = self._find(request.path_info)
        request.resolver_match = match
        response: HttpResponse = match.func(request, *match.args, **match.kwargs)
        if isinstance(response, SimpleTemplateResponse):  # what DRF itself answers: OPTIONS
            response.render()
        return response

    def _check_host(self, request: HttpRequest) -> None:
        """Raise `DisallowedHost` for a name that is not ours; those that are are remembered."""
        host = request.META.get("HTTP_HOST")
        if host not in self._hosts:
            request.get_host()
            if len(self._hosts) < MAX_HOSTS:
                self._hosts.add(host)

    def _find(self, address: str) -> ResolverMatch:
        match = self._matches.get(address)
        if match is None:
            match = resolve(address)
            if len(self._matches) < MAX_MATCHES:
                self._matches[address] = match
        return match


def _knows_no_session(request: HttpRequest) -> bool:
    address = request.path_info
    if address in settings.SESSIONLESS_ADDRESSES:
        return True
    below = settings.COOKIELESS_ADDRESS
    is_below = address == below or address.startswith(f"{below}/")
    return is_below and not request.META.get("HTTP_COOKIE")
