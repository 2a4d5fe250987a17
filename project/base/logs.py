"""JSON-lines logs: one line a request, never a row value, key or password."""

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponseBase

from project.base.metrics import observe_request

logger = logging.getLogger("rowhouse.request")

# A list in a request's environ, where its server has one: what to call when the answer is sent.
AFTER_ANSWER = "rowhouse.after_answer"


class RequestLogMiddleware:
    """Log and count each request; a view adds what it knows with `note`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        response = self.get_response(request)
        tell = partial(_tell, request, response.status_code, time.perf_counter() - started)
        later: list[Callable[[], None]] | None = request.META.get(AFTER_ANSWER)
        if later is None or response.streaming:
            tell()
        else:
            later.append(tell)
        return response


def _tell(request: HttpRequest, status: int, seconds: float) -> None:
    route = request.resolver_match.route if request.resolver_match else ""
    method = str(request.method)
    logger.info(
        "request",
        extra={
            "method": method,
            "route": route,
            "status": status,
            "ms": round(seconds * 1000, 2),
            **getattr(request, "log_notes", {}),
        },
    )
    observe_request(method=method, route=route, status=status, seconds=seconds)


def note(request: HttpRequest, **fields: Any) -> None:
    """Add fields to the request's log line: ids, names and counts, never values of rows."""
    vars(request).setdefault("log_notes", {}).update(fields)


def log_unexpected_error(sender: Any, request: HttpRequest | None = None, **kwargs: Any) -> None:
    """Log what a view raised and nobody expected, from inside its except clause."""
    match = request.resolver_match if request is not None else None
    logger.exception("unexpected error", extra={"route": match.route if match else ""})


got_request_exception.connect(log_unexpected_error, dispatch_uid="rowhouse.log")
