"""JSON-lines logs: one line a request, never a row value, key or password."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from project.config import Logging

logger = logging.getLogger("rowhouse.request")

_FIELDS = {"asctime": "time", "levelname": "level", "name": "logger"}


def logging_settings(config: Logging, folder: Path) -> dict[str, Any]:
    """Return Django's LOGGING: the same JSON lines to stderr and to a rotating file."""
    folder.mkdir(parents=True, exist_ok=True)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": "pythonjsonlogger.json.JsonFormatter",
                "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
                "rename_fields": _FIELDS,
                "datefmt": "%Y-%m-%dT%H:%M:%S%z",
            }
        },
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "json"},
            "file": {
                "class": "logging.handlers.RotatingFileHandler",
                "formatter": "json",
                "filename": str(folder / "rowhouse.log"),
                "maxBytes": config.file_bytes,
                "backupCount": config.file_count,
                "encoding": "utf-8",
                "delay": True,
            },
        },
        "root": {"handlers": ["stderr", "file"], "level": "WARNING"},
        "loggers": {
            "rowhouse": {"level": config.level},
            "django.request": {"level": "ERROR"},
        },
    }


class RequestLogMiddleware:
    """Log one line for each request; a view adds what it knows with `note`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        response = self.get_response(request)
        logger.info(
            "request",
            extra={
                "method": request.method,
                "path": request.path,
                "status": response.status_code,
                "ms": round((time.perf_counter() - started) * 1000, 2),
                **getattr(request, "log_notes", {}),
            },
        )
        return response


def note(request: HttpRequest, **fields: Any) -> None:
    """Add fields to the request's log line: ids, names and counts, never values of rows."""
    notes = getattr(request, "log_notes", None)
    if notes is None:
        notes = {}
        request.log_notes = notes  # type: ignore[attr-defined]
    notes.update(fields)
