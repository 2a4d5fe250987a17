"""Headers that let pages of other sites read, and browsers and proxies keep, an answer."""

import hashlib

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response

from apis.open311.answers.formats import COUNT_HEADERS

# Where a client says what it has already; without Last-Modified there is only the ETag.
_CONDITIONS = frozenset({"HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH"})

EXPOSED = ", ".join(["ETag", *COUNT_HEADERS.values()])


def share(response: HttpResponseBase) -> HttpResponseBase:
    """Let scripts of any site read the answer; there are no cookies in it to protect."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Expose-Headers"] = EXPOSED
    return response


def answer_preflight(allowed: str) -> HttpResponseBase:
    """Answer a browser that asks whether a script may call (Fetch standard, CORS-preflight)."""
    response = HttpResponse(status=204)
    response.headers["Access-Control-Allow-Methods"] = allowed
    response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type, If-None-Match"
    response.headers["Access-Control-Max-Age"] = "86400"
    response.headers["Allow"] = allowed
    return share(response)


def allow_caching(
    request: HttpRequest, response: HttpResponse, *, is_private: bool, cache_s: int
) -> HttpResponseBase:
    """Add ETag and Cache-Control; return 304 where the client has the same answer already."""
    etag = f'"{hashlib.blake2b(response.content, digest_size=16).hexdigest()}"'
    response.headers["ETag"] = etag
    audience = "private" if is_private else "public"
    response.headers["Cache-Control"] = f"{audience}, max-age={0 if is_private else cache_s}"
    response.headers["Vary"] = "Authorization"
    if _CONDITIONS.isdisjoint(request.META):
        return response
    conditional = get_conditional_response(request, etag=etag, response=response)
    return conditional if conditional is not None else response
