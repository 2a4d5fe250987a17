"""Authentication of calls: by nobody, an API key or an OAuth2 token."""

import msgspec
from django.http import HttpRequest
from oauth2_provider.oauth2_backends import get_oauthlib_core

from apis.open311.errors import ScopeInsufficient, TokenInvalid, TokenRequired
from apis.open311.specification import Method
from project.http.access.keys import find_api_key
from project.http.errors import KeyRequired, ScopeMissing
from project.models import Scope


class Caller(msgspec.Struct, frozen=True):
    """The user and application of a valid token; an application may act for itself."""

    identity: str  # user:7, or client:… where no user is behind the token
    client_id: str
    application: str
    scopes: frozenset[str]

    @property
    def key_prefix(self) -> str:
        """The sender in a receipt."""
        return f"oauth:{self.client_id}"


def identify_caller(request: HttpRequest, method: Method, *, is_public: bool) -> Caller | None:
    """Return who calls a method, None for anyone; raise where more is required."""
    scheme, _, secret = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    caller = _read_token(request) if scheme.lower() == "bearer" else None
    if method.requires_auth:
        _require_scope(caller, method)
    elif caller is None and not is_public:
        if scheme.lower() != "api-key":
            raise KeyRequired(
                "Reading needs an API key (Authorization: Api-Key KEY) or an OAuth2 token"
            )
        if not find_api_key(secret.strip()).may(Scope.READ):
            raise ScopeMissing("Reading needs a key with the scope read", scope="read")
    return caller


def _require_scope(caller: Caller | None, method: Method) -> None:
    if caller is None:
        raise TokenRequired
    if method.scope is not None and method.scope not in caller.scopes:
        raise ScopeInsufficient(
            f"This needs a token with the scope {method.scope}", scope=method.scope
        )


def _read_token(request: HttpRequest) -> Caller:
    is_valid, seen = get_oauthlib_core().verify_request(request, scopes=[])
    if not is_valid or (seen.user is not None and not seen.user.is_active):
        raise TokenInvalid
    application = seen.client
    return Caller(
        identity=f"user:{seen.user.pk}" if seen.user else f"client:{application.client_id}",
        client_id=application.client_id,
        application=application.name,
        scopes=frozenset(seen.access_token.scope.split()),
    )
