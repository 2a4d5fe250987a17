"""GET /docs/errors: every code of a problem document or a rejected row, in words.

Problem documents lead here (`type`), so the page may be read by anyone.
"""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from ingest.row_codes import ROW_CODES
from project.base.errors import ConfigError, RowhouseError
from project.http.problems import FRAMEWORK_CODES, status_of


@require_safe
def show_errors(request: HttpRequest) -> HttpResponse:
    """Show the codes that are known, made from the errors themselves."""
    rows = [{"code": code, "meaning": meaning} for code, meaning in ROW_CODES.items()]
    return render(request, "ingest/errors.html", {"requests": request_codes(), "rows": rows})


def request_codes() -> list[dict[str, object]]:
    """Return each code that a request may be refused with: `code`, `status`, `meaning`."""
    found = {code: (status, meaning) for code, (status, meaning) in FRAMEWORK_CODES.items()}
    for error in _descendants(RowhouseError):
        if "code" in vars(error) and not issubclass(error, ConfigError):
            found[error.code] = (status_of(error), error.meaning())
    return [
        {
            "code": code,
            "status": int(status),
            "title": HTTPStatus(status).phrase,
            "meaning": meaning,
        }
        for code, (status, meaning) in sorted(found.items())
    ]


def _descendants(error: type[RowhouseError]) -> list[type[RowhouseError]]:
    return [each for child in error.__subclasses__() for each in (child, *_descendants(child))]
