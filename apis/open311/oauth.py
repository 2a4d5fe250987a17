"""OAuth2 for the API: the pages where a person logs in and allows an application to report."""

from typing import Any

from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponseBase
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from oauth2_provider.views import AuthorizationView, RevokeTokenView, TokenView

from apis.open311.answers.headers import allow_any_origin, answer_preflight

# No form-action: the form's answer leads back to the application, wherever that is.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
VERBS = "OPTIONS, POST"


class _Protected(View):
    """A page with the content security policy of this module."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Add the policy."""
        response = super().dispatch(request, *args, **kwargs)
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        return response


class LogIn(_Protected, LoginView):
    """Ask for a user's name and password."""

    template_name = "open311/log_in.html"
    next_page = "/open311/"


class Authorize(_Protected, AuthorizationView):
    """Ask a person whether an application may report in their name."""

    template_name = "open311/authorize.html"
    login_url = "/open311/oauth/login"


@csrf_exempt  # the request brings the application's own proof
def issue_token(request: HttpRequest) -> HttpResponseBase:
    """Exchange a code, refresh token or client credentials for a token (RFC 6749, section 3.2)."""
    if request.method == "OPTIONS":
        return answer_preflight(VERBS)
    return allow_any_origin(TokenView.as_view()(request))


@csrf_exempt  # as above
def revoke_token(request: HttpRequest) -> HttpResponseBase:
    """End a token (RFC 7009)."""
    if request.method == "OPTIONS":
        return answer_preflight(VERBS)
    return allow_any_origin(RevokeTokenView.as_view()(request))
