"""Errors as RFC 9457 problem documents: the one place that knows which error is which status."""

import logging
from collections.abc import Mapping, Sequence
from functools import cache, reduce
from http import HTTPStatus
from operator import or_
from typing import Any

import msgspec
from django.conf import settings
from django.core.exceptions import DisallowedHost, PermissionDenied
from django.db import Error as DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.module_loading import import_string
from rest_framework import exceptions

from project.base.errors import (
    RowhouseError,
    TooLarge,
    TryLater,
    Unavailable,
    UnsupportedMediaType,
)
from project.http import errors

logger = logging.getLogger("rowhouse.error")

CONTENT_TYPE = "application/problem+json"

_statuses: dict[type[RowhouseError], int] = {
    RowhouseError: HTTPStatus.BAD_REQUEST,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    UnsupportedMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.KeyRequired: HTTPStatus.UNAUTHORIZED,
    errors.KeyInvalid: HTTPStatus.UNAUTHORIZED,
    errors.ScopeMissing: HTTPStatus.FORBIDDEN,
    errors.CsrfFailed: HTTPStatus.FORBIDDEN,
    errors.TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
    errors.TooManyAttempts: HTTPStatus.TOO_MANY_REQUESTS,
    errors.LengthRequired: HTTPStatus.LENGTH_REQUIRED,
    errors.BodyLate: HTTPStatus.REQUEST_TIMEOUT,
    errors.NotReady: HTTPStatus.SERVICE_UNAVAILABLE,
}

# The codes of what Django and DRF refuse before Rowhouse's own errors can be raised.
FRAMEWORK_CODES: dict[str, tuple[int, str]] = {
    "bad_request": (HTTPStatus.BAD_REQUEST, "The request is not understood."),
    "bad_host": (HTTPStatus.BAD_REQUEST, "The Host header is not among http.allowed_hosts."),
    "forbidden": (HTTPStatus.FORBIDDEN, "Not allowed."),
    "internal_error": (HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong here."),
    "method_not_allowed": (
        HTTPStatus.METHOD_NOT_ALLOWED,
        "The address knows other methods: see the Allow header.",
    ),
    "not_found": (HTTPStatus.NOT_FOUND, "There is nothing at this address."),
}


def status_of(error: type[RowhouseError]) -> int:
    """Return the HTTP status of the nearest type that has one."""
    statuses = _read_statuses()
    return next(statuses[cls] for cls in error.__mro__ if cls in statuses)


@cache
def _read_statuses() -> Mapping[type[RowhouseError], int]:
    """Return the statuses of all rooms, whose modules a command need not load."""
    rooms = (import_string(path) for path in settings.ERROR_STATUSES)
    return reduce(or_, rooms, _statuses)


def document(*, status: int, code: str, detail: str, **fields: Any) -> dict[str, Any]:
    """Return the members of a problem document (RFC 9457, section 3.1) with a stable `code`."""
    return {
        "type": f"/docs/errors#{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        **fields,
    }


def problem(
    *, status: int, code: str, detail: str, headers: dict[str, str] | None = None, **fields: Any
) -> HttpResponse:
    """Return an answer that is a problem document."""
    members = document(status=status, code=code, detail=detail, **fields)
    return HttpResponse(
        msgspec.json.encode(members), status=status, headers=headers, content_type=CONTENT_TYPE
    )


def answer_error(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Answer an error raised in a view (DRF's EXCEPTION_HANDLER); None lets it become a 500."""
    if isinstance(error, RowhouseError):
        return answer_refusal(error)
    if isinstance(error, Http404):
        return problem(status=404, code="not_found", detail="There is nothing at this address")
    if isinstance(error, PermissionDenied):
        return problem(status=403, code="forbidden", detail="Not allowed")
    if isinstance(error, exceptions.APIException):
        return _answer_framework_error(error, context["view"].allowed_methods)
    if isinstance(error, DatabaseError):
        return answer_refusal(log_database_error(error))
    return None


def log_database_error(error: Exception) -> Unavailable:
    """Log a database error without its text, which may quote a row; return what to answer."""
    cause = error.__cause__ if isinstance(error, DatabaseError) else error
    fields = {"sqlstate": getattr(cause, "sqlstate", None), "type": type(error).__name__}
    logger.error("database error", extra=fields)
    return Unavailable("The database cannot answer now")


def answer_refusal(error: RowhouseError) -> HttpResponse:
    """Return the problem document of one of Rowhouse's own errors."""
    headers: dict[str, str] = {}
    if isinstance(error, TryLater):
        headers["Retry-After"] = str(error.retry_after_s)
    status = status_of(type(error))
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Api-Key"
    return problem(
        status=status, code=error.code, detail=error.message, headers=headers, **error.fields
    )


def _answer_framework_error(
    error: exceptions.APIException, allowed_methods: Sequence[str]
) -> HttpResponse:
    is_method = isinstance(error, exceptions.MethodNotAllowed)
    headers = {"Allow": ", ".join(allowed_methods)} if is_method else None
    code = error.get_codes()
    return problem(
        status=error.status_code,
        code=code if isinstance(code, str) else "bad_request",
        detail=str(error.detail),
        headers=headers,
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django itself finds wrong with a request (handler400)."""
    code = "bad_host" if isinstance(exception, DisallowedHost) else "bad_request"
    return problem(status=400, code=code, detail="The request is not understood")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an address that no view serves (handler404)."""
    return problem(status=404, code="not_found", detail="There is nothing at this address")


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer an error nobody expected (handler500); its traceback is in the log."""
    return problem(status=500, code="internal_error", detail="Something went wrong here")
