"""Public data may be read by pages of any origin (CORS, Fetch standard)."""

from collections.abc import Callable
from typing import Any

import psycopg
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from project.base.errors import RowhouseError
from project.http.access.reading import are_public

EXPOSED = "Content-Disposition, Deprecation, ETag, Link, Retry-After, Sunset"
PREFLIGHT = {
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-None-Match",
    "Access-Control-Max-Age": "86400",
}


class PublicOriginMiddleware:
    """Allow any origin to read the answers of public addresses, errors among them.

    Their answers do not depend on cookies: browsers send none where every origin is allowed.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        if _is_public(request):
            response.headers["Access-Control-Allow-Origin"] = "*"
            response.headers["Access-Control-Expose-Headers"] = EXPOSED
        return response

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, named: dict[str, Any]
    ) -> HttpResponse | None:
        """Return the answer to a preflight request, None for others."""
        if request.method != "OPTIONS" or "HTTP_ACCESS_CONTROL_REQUEST_METHOD" not in request.META:
            return None
        if not _is_public(request):
            return None
        methods = ", ".join(_methods_of(view))
        return HttpResponse(
            status=204, headers={"Access-Control-Allow-Methods": methods, **PREFLIGHT}
        )


def _is_public(request: HttpRequest) -> bool:
    match = request.resolver_match
    if match is None:
        return False
    view: Any = match.func
    datasets = getattr(getattr(view, "cls", view), "datasets", None)
    if datasets is None:
        return False
    try:
        return are_public(datasets(**match.kwargs))
    except (RowhouseError, DatabaseError, psycopg.Error):  # whose table it is cannot be looked up
        return False


def _methods_of(view: Any) -> list[str]:
    scopes = getattr(getattr(view, "cls", None), "scopes", {"GET": None})
    return [*scopes, "HEAD", "OPTIONS"]
