"""/login/ and /logout/: a session for the holder of an API key, or for a member of staff."""

from functools import partial
from http import HTTPStatus

from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache

from project.base.errors import RowhouseError
from project.http.access.keys import find_api_key
from project.http.access.sessions import sign_in_as_user, sign_in_with_key
from project.http.errors import CsrfFailed
from project.http.people.pages import READING, answer_as_page, show_error
from project.http.problems import status_of


class PasswordRefused(RowhouseError):
    """The name or the password is wrong, or the user is not a member of staff."""

    code = "password_refused"


STATUSES: dict[type[RowhouseError], int] = {PasswordRefused: HTTPStatus.UNAUTHORIZED}


def refuse_forged_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form without its token (CSRF_FAILURE_VIEW)."""
    message = "The form is too old or came from elsewhere: open the page again and repeat it"
    return show_error(request, CsrfFailed(message))


@never_cache
@partial(answer_as_page, methods=(*READING, "POST"))
def log_in(request: HttpRequest) -> HttpResponseBase:
    """Ask for a key or a name and password, and begin a session."""
    error: RowhouseError | None = None
    if request.method == "POST":
        try:
            _open_session(request)
            return HttpResponseRedirect(_find_next(request))
        except RowhouseError as refusal:
            error = refusal
    return render(
        request,
        "site/login.html",
        {"error": error, "next": _find_next(request)},
        status=status_of(type(error)) if error else 200,
    )


@never_cache
@partial(answer_as_page, methods=("POST",))
def log_out(request: HttpRequest) -> HttpResponseBase:
    """End the session."""
    request.session.flush()
    return HttpResponseRedirect(settings.LOGIN_URL)


def _open_session(request: HttpRequest) -> None:
    """Raise `KeyInvalid`, `PasswordRefused` or `TooManyAttempts` where there is to be none."""
    # U+0000 is in no name, and PostgreSQL cannot even look for it.
    fields = {name: str(value).replace("\0", "") for name, value in request.POST.items()}
    if "key" in fields:
        sign_in_with_key(request, find_api_key(fields["key"].strip()))
        return
    name, password = fields.get("username", ""), fields.get("password", "")
    user = authenticate(request, username=name, password=password)
    if not isinstance(user, User) or not user.is_staff:
        raise PasswordRefused
    sign_in_as_user(request, user)


def _find_next(request: HttpRequest) -> str:
    """Return where to go afterwards: a path of this service, the dashboard without one."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = target.startswith("/") and url_has_allowed_host_and_scheme(target, allowed_hosts=None)
    return target if is_ours else settings.LOGIN_REDIRECT_URL
