"""Conditional requests: ETag and Last-Modified of answers, and 304 for a current one."""

import hashlib
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import http_date


def make_etag(*parts: object) -> str:
    """Return a strong ETag that changes with any of the parts."""
    text = "\0".join(str(part) for part in parts)
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def find_unmodified(
    request: HttpRequest, etag: str, modified: datetime | None
) -> HttpResponseBase | None:
    """Return the 304 (or 412) that a request's preconditions lead to, None without one."""
    found = get_conditional_response(
        request, etag=etag, last_modified=int(modified.timestamp()) if modified else None
    )
    if found is not None:
        set_validators(found, etag, modified)
    return found


def set_validators(response: HttpResponseBase, etag: str, modified: datetime | None) -> None:
    """Set an answer's validators; caches must revalidate it each time."""
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = "no-cache"
    if modified:
        response.headers["Last-Modified"] = http_date(int(modified.timestamp()))


def answer_file(content: bytes, *, content_type: str, name: str) -> HttpResponse:
    """Return an answer that a browser saves under the name."""
    return HttpResponse(
        content,
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
