"""CORS and caching headers of answers."""

import hashlib

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response

from apis.open311.answers.formats import COUNT_HEADERS

# The preconditions of an answer that has an ETag only.
_PRECONDITIONS = frozenset({"HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH"})

EXPOSED = ", ".join(["ETag", *COUNT_HEADERS.values()])


def allow_any_origin(response: HttpResponseBase) -> HttpResponseBase:
    """Allow any origin: no answer depends on cookies."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Expose-Headers"] = EXPOSED
    return response


def answer_preflight(allowed: str) -> HttpResponseBase:
    """Answer a CORS preflight request (Fetch standard)."""
    response = HttpResponse(status=204)
    response.headers["Access-Control-Allow-Methods"] = allowed
    response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type, If-None-Match"
    response.headers["Access-Control-Max-Age"] = "86400"
    response.headers["Allow"] = allowed
    return allow_any_origin(response)


def allow_caching(
    request: HttpRequest, response: HttpResponse, *, is_private: bool, cache_s: int
) -> HttpResponseBase:
    """Add ETag and Cache-Control; return 304 where the client has the same answer already."""
    etag = f'"{hashlib.blake2b(response.content, digest_size=16).hexdigest()}"'
    response.headers["ETag"] = etag
    audience = "private" if is_private else "public"
    response.headers["Cache-Control"] = f"{audience}, max-age={0 if is_private else cache_s}"
    response.headers["Vary"] = "Authorization"
    if _PRECONDITIONS.isdisjoint(request.META):
        return response
    conditional = get_conditional_response(request, etag=etag, response=response)
    return conditional if conditional is not None else response
