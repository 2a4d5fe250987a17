"""Views as pages: who may see them, errors as pages, and the navigation around them."""

from collections.abc import Callable, Collection
from functools import wraps
from typing import Any
from urllib.parse import urlencode

import psycopg
from django.conf import settings
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render

from project.base.errors import RowhouseError
from project.http.access.reading import FindDatasets, are_public
from project.http.access.sessions import find_caller, find_signed_in
from project.http.errors import ScopeMissing
from project.http.problems import answer_refusal, log_database_error, status_of
from project.models import Scope

READING = ("GET", "HEAD")

# Headers of a problem document that mean the same beside a page.
KEPT_HEADERS = ("WWW-Authenticate", "Retry-After")

NAVIGATION = (
    ("Dashboard", "/"),
    ("Tables", "/tables/"),
    ("Load", "/load/"),
    ("Rejections", "/rejections/"),
    ("Reports", "/reports/"),
    ("API", "/api/docs"),
    ("Admin", "/admin/"),
)

View = Callable[..., HttpResponseBase]


def page(scope: Scope, datasets: FindDatasets | None = None) -> Callable[[View], View]:
    """Make a view a page for who has the scope by a session or a key; others go to the login page.

    Anyone may see it where `datasets` are given and public (see `access.reading`).
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
            key = find_caller(request)
            is_open = datasets is not None and are_public(datasets(**kwargs))
            if key is None and not is_open:
                return _redirect_to_login(request)
            if not is_open and not (key and key.may(scope)):
                raise ScopeMissing(f"This page needs a key with the scope {scope}")
            response = view(request, **kwargs)
            response.headers.setdefault("Cache-Control", "private, no-store")
            return response

        return answer_as_page(guarded, datasets=datasets)

    return decorate


def answer_as_page(
    view: View, *, methods: Collection[str] = READING, datasets: FindDatasets | None = None
) -> View:
    """Let a view answer these methods only, and whatever it raises as a page.

    `datasets` are those that its answer comes from, where it is data (see `access.reading`).
    """

    @wraps(view)
    def guarded(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        if request.method not in methods:
            return HttpResponse(status=405, headers={"Allow": ", ".join(methods)})
        try:
            return view(request, **kwargs)
        except RowhouseError as error:
            return show_error(request, error)
        except (DatabaseError, psycopg.Error) as error:
            return show_error(request, log_database_error(error))

    guarded.datasets = datasets  # type: ignore[attr-defined]
    return guarded


def show_error(request: HttpRequest, error: RowhouseError) -> HttpResponse:
    """Answer an error as a page, with the status and the headers that programs would get."""
    answer = answer_refusal(error)
    shown = render(request, "site/problem.html", {"error": error}, status=status_of(type(error)))
    for name in KEPT_HEADERS:
        if name in answer:
            shown.headers[name] = answer[name]
    return shown


def describe_viewer(request: HttpRequest) -> dict[str, Any]:
    """Give templates `navigation` and `viewer`, the signed-in `ApiKey` (a context processor)."""
    return {
        "viewer": find_signed_in(request),
        "navigation": [
            {"label": label, "address": address, "current": _is_in(request.path, address)}
            for label, address in NAVIGATION
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


def _redirect_to_login(request: HttpRequest) -> HttpResponseRedirect:
    """Ask who it is, and come back here afterwards."""
    query = urlencode({"next": request.get_full_path()})
    return HttpResponseRedirect(f"{settings.LOGIN_URL}?{query}")


def _is_in(path: str, address: str) -> bool:
    return path == address if address == "/" else path.startswith(address)
