"""/open311/api: every method of the API. /open311/: a page to try them. /open311/openapi.json."""

from http import HTTPStatus

from django.conf import settings
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from apis.open311.access import identify_caller
from apis.open311.answers.formats import CONTENT_TYPES, count_headers, write_answer
from apis.open311.answers.headers import allow_any_origin, allow_caching, answer_preflight
from apis.open311.answers.pages import Listing
from apis.open311.errors import MethodMissing, VerbNotAllowed, describe_error
from apis.open311.methods import METHODS, Call
from apis.open311.openapi import describe_service
from apis.open311.parameters import check_arguments, read_parameters, take_text
from apis.open311.search.places import list_terms
from apis.open311.search.sources import SCHEMA
from apis.open311.specification import Method, read_specification
from project.base.config import Config
from project.base.errors import RowhouseError, TryLater
from project.base.logs import note
from project.http.access.reading import are_public
from project.http.answers import answer_json
from project.http.problems import log_database_error, status_of

VERBS = "GET, HEAD, OPTIONS, POST"
CHALLENGE = 'Bearer realm="open311"'
# RFC 6750, section 3.1.
_OAUTH_ERRORS = {
    "token_invalid": ', error="invalid_token"',
    "scope_insufficient": ', error="insufficient_scope"',
}


@csrf_exempt  # a call brings a token in a header; cookies mean nothing here
def call_method(request: HttpRequest) -> HttpResponseBase:
    """Answer a call, in the API's own shape also where something is wrong with it."""
    if request.method == "OPTIONS":
        return answer_preflight(VERBS)
    try:
        return allow_any_origin(_answer_call(request))
    except RowhouseError as error:
        return allow_any_origin(_answer_error(error))
    except DatabaseError as error:
        return allow_any_origin(_answer_error(log_database_error(error)))


def _answer_call(request: HttpRequest) -> HttpResponseBase:
    config: Config = settings.CONFIG
    if request.method not in {"GET", "HEAD", "POST"}:
        raise VerbNotAllowed(f"Use one of {VERBS}", allowed=VERBS)
    given = read_parameters(request)
    called = take_text(given, "method")
    if not called:
        raise MethodMissing
    specification = read_specification()
    name, method = specification.find(called)
    note(request, open311=name)
    _check_verb(request, name, method)
    is_public = are_public((SCHEMA,))
    caller = identify_caller(request, method, is_public=is_public)
    arguments = check_arguments(method, given, config.open311, specification.formats)
    answer = METHODS[name](Call(method, arguments, caller, config.open311))
    counts: dict[str, str] = {}
    if isinstance(answer, Listing) and arguments.format == "csv":
        counts = count_headers(answer)
    response = HttpResponse(
        write_answer(answer, arguments.format),
        status=201 if method.method == "POST" else 200,
        content_type=CONTENT_TYPES[arguments.format],
        headers=counts,
    )
    if method.method == "POST":
        response.headers["Cache-Control"] = "no-store"
        return response
    is_private = caller is not None or not is_public
    return allow_caching(request, response, is_private=is_private, cache_s=config.open311.cache_s)


def _check_verb(request: HttpRequest, name: str, method: Method) -> None:
    verbs = {"GET", "HEAD"} if method.method == "GET" else {"POST"}
    if request.method not in verbs:
        allowed = ", ".join(sorted(verbs))
        raise VerbNotAllowed(f"{name} is called with {allowed}", allowed=allowed)


def _answer_error(error: RowhouseError) -> HttpResponse:
    headers = {"Cache-Control": "no-store"}
    status = status_of(type(error))
    if isinstance(error, VerbNotAllowed):
        headers["Allow"] = error.fields["allowed"]
    if isinstance(error, TryLater):
        headers["Retry-After"] = str(error.retry_after_s)
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        headers["WWW-Authenticate"] = CHALLENGE + _OAUTH_ERRORS.get(error.code, "")
    return answer_json(describe_error(error), status=status, headers=headers)


@require_safe
def show_page(request: HttpRequest) -> HttpResponse:
    """Show the methods with a form to try each, and a search's incidents on a map."""
    methods = [
        {"name": name, "method": method, "parameters": method.all_parameters.values()}
        for name, method in read_specification().methods.items()
        if method.enabled and method.documented
    ]
    terms = list_terms(settings.CONFIG.open311)
    return render(request, "open311/page.html", {"methods": methods, "terms": terms})


@require_safe
def show_openapi(request: HttpRequest) -> HttpResponseBase:
    """Answer the API's own OpenAPI document."""
    return allow_any_origin(answer_json(describe_service()))
