"""JSON-lines logs: one line a request, never a row value, key or password."""

import logging
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponseBase

from project.base.config import Logging
from project.base.metrics import observe_request

logger = logging.getLogger("rowhouse.request")

# A list in a request's environ, where its server has one: what to call when the answer is sent.
AFTER_ANSWER = "rowhouse.after_answer"


def logging_settings(config: Logging, folder: Path) -> dict[str, Any]:
    """Return Django's LOGGING: JSON lines to a rotating file and to stderr.

    A terminal gets lines for people instead.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {"()": "project.base.log_output.JsonLines"},
            "people": {"()": "project.base.log_output.LinesForPeople"},
        },
        "handlers": {
            "nowhere": {"class": "logging.NullHandler"},
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "people" if sys.stderr.isatty() else "json",
            },
            "file": {
                "class": "project.base.log_output.SharedLogFile",
                "formatter": "json",
                "filename": str(folder / "rowhouse.log"),
                "max_bytes": config.file_bytes,
                "kept_files": config.file_count,
            },
        },
        "root": {"handlers": ["stderr", "file"], "level": "WARNING"},
        "loggers": {
            "rowhouse": {"level": config.level},
            # What these say of a request is in its own line, without the address it came to:
            # that may hold the key of a row.
            "django.request": {"handlers": ["nowhere"], "propagate": False},
            "django.security": {"handlers": ["nowhere"], "propagate": False},
        },
    }


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
