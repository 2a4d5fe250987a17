"""The Content-Security-Policy: pages take everything from this address, nothing inline.

Answers that are no pages may load nothing at all and stand in no frame, should a browser show them.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"

# What Django's middleware and the one below give to an answer that is no page.
_PROTECTION = {
    "Content-Security-Policy": DATA_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class ContentPolicyMiddleware:
    """Give a policy to every answer that does not bring one of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        response.headers.setdefault("Content-Security-Policy", POLICY if is_page else DATA_POLICY)
        return response


def protect(answer: HttpResponse) -> HttpResponse:
    """Return an answer that was made before Django saw the request, with the same headers."""
    for name, value in _PROTECTION.items():
        answer.headers.setdefault(name, value)
    return answer
