"""GET /api/schema (OpenAPI 3.1) and GET /api/docs: the API described for programs and people.

Both may be read by anyone: without a key they hold names, types and comments of public tables,
never a value of a row.
"""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.views import APIView

from project.http.answers import answer_json
from project.http.middleware import PAGE_POLICY

# Swagger's stylesheet holds its images itself.
CONTENT_POLICY = PAGE_POLICY.replace("img-src 'self'", "img-src 'self' data:")


class SchemaView(APIView):
    """The OpenAPI description of this API."""

    scopes = {"GET": None}

    @extend_schema(summary="Get this description", tags=["docs"])
    def get(self, request: Request) -> HttpResponse:
        """Answer OpenAPI 3.1 with a path for each table, as the tables are now.

        They are those that the key may read or send rows to; without one, the public ones.
        """
        schema: dict[str, Any] = SchemaGenerator().get_schema(request=request, public=True)
        schema["servers"] = [{"url": request.build_absolute_uri("/").rstrip("/")}]
        return answer_json(schema)


class DocsView(SpectacularSwaggerSplitView):
    """The description as a page."""

    scopes = {"GET": None}
    url_name = "schema"
    template_name = "site/api_docs.html"
    http_method_names = ["get", "head", "options"]

    @extend_schema(
        exclude=False,
        summary="Read the documentation",
        tags=["docs"],
        responses={(200, "text/html"): {"type": "string"}},
    )
    def get(self, request: Request, *args: Any, **options: Any) -> Any:
        """Show the description for people, and try requests out."""
        page = super().get(request, *args, **options)
        page.headers["Content-Security-Policy"] = CONTENT_POLICY
        page.headers["Cache-Control"] = "private, no-store"  # it says who is signed in
        return page

    def options(  # type: ignore[override]
        self, request: Request, *args: Any, **options: Any
    ) -> HttpResponse:
        """Answer the methods: the page's own template is none for them."""
        methods = self.allowed_methods
        return answer_json({"allow": methods}, headers={"Allow": ", ".join(methods)})
