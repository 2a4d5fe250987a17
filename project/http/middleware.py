"""Middleware: content policies, requests without a session, chunked bodies under WSGI."""

from collections.abc import Callable, Iterable
from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast

from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import SimpleTemplateResponse
from django.urls import ResolverMatch, resolve

# Pages take everything from this address, nothing inline.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# Other answers load nothing and stand in no frame, should a browser show them.
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"

# What Django's middleware and the one below give to an answer that is no page.
_DATA_HEADERS = {
    "Content-Security-Policy": DATA_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

# What SessionlessMiddleware remembers at most.
MAX_HOSTS = 100
MAX_MATCHES = 1000

# A larger chunked body is kept in a temporary file.
MEMORY_BYTES = 256 * 1024

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class ContentPolicyMiddleware:
    """Give a Content-Security-Policy to every answer that does not bring one of its own."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        policy = PAGE_POLICY if is_page else DATA_POLICY
        response.headers.setdefault("Content-Security-Policy", policy)
        return response


def protect(answer: HttpResponse) -> HttpResponse:
    """Return an answer that passes by the other middleware, with the headers it would get there."""
    for name, value in _DATA_HEADERS.items():
        answer.headers.setdefault(name, value)
    return answer


class SessionlessMiddleware:
    """Call the views of SESSIONLESS_ADDRESSES and COOKIELESS_ADDRESS themselves.

    Middleware that comes after this one and the search for the view take such a request longer than
    its view's own Python. What it would do for an answer that is no page is done here: the host is
    checked, the length told and the headers set that keep browsers safe.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response
        self._call = convert_exception_to_response(self._call_view)
        self._matches: dict[str, ResolverMatch] = {}
        self._hosts: set[str | None] = set()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not _needs_no_session(request):
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


def _needs_no_session(request: HttpRequest) -> bool:
    address = request.path_info
    if address in settings.SESSIONLESS_ADDRESSES:
        return True
    below = settings.COOKIELESS_ADDRESS
    is_below = address == below or address.startswith(f"{below}/")
    return is_below and not request.META.get("HTTP_COOKIE")


class WholeBodies:
    """A WSGI application that gives Django a chunked body with its length."""

    def __init__(self, handler: WSGIHandler, *, max_bytes: int) -> None:
        self._handler = handler
        self._max_bytes = max_bytes

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request; one byte more than is taken shows that a body is too large."""
        is_chunked = "HTTP_TRANSFER_ENCODING" in environ and not environ.get("CONTENT_LENGTH")
        if not (is_chunked and environ.get("wsgi.input_terminated")):
            return self._handler(environ, start_response)
        with SpooledTemporaryFile(max_size=MEMORY_BYTES) as body:
            size = _copy(environ["wsgi.input"], body, self._max_bytes + 1)
            body.seek(0)
            collected = {"CONTENT_LENGTH": str(size), "wsgi.input": body}
            return self._handler({**environ, **collected}, start_response)


def _copy(source: IO[bytes], target: IO[bytes], most: int) -> int:
    """Copy a stream up to a number of bytes; return how many there were."""
    size = 0
    while chunk := source.read(min(MEMORY_BYTES, most - size)):
        target.write(chunk)
        size += len(chunk)
    return size
