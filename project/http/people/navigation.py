"""What every page shows around its content: where one can go, and who is signed in."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from project.http.access.sessions import find_signed_in

PLACES = (
    ("Dashboard", "/"),
    ("Tables", "/tables/"),
    ("Load", "/load/"),
    ("Rejections", "/rejections/"),
    ("Reports", "/reports/"),
    ("API", "/api/docs"),
    ("Admin", "/admin/"),
)


def describe_viewer(request: HttpRequest) -> dict[str, Any]:
    """Give templates `navigation` and `viewer`, the signed-in `ApiKey` (a context processor)."""
    return {
        "viewer": find_signed_in(request),
        "navigation": [
            {"label": label, "address": address, "current": _is_in(request.path, address)}
            for label, address in PLACES
        ],
    }


def mark_viewer(request: HttpRequest) -> str:
    """Return a text that differs where what pages show around their content does.

    Who is signed in stands there, and a token that belongs to the browser's cookie.
    """
    viewer = find_signed_in(request)
    if viewer is None:
        return ""
    return f"{viewer.name} {request.COOKIES.get(settings.CSRF_COOKIE_NAME)}"


def _is_in(path: str, address: str) -> bool:
    return path == address if address == "/" else path.startswith(address)
