"""The service's addresses."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from ingest.api.error_page import show_errors
from project.http.health import AliveView, MetricsView, ReadyView
from project.site.api_docs import DocsView, SchemaView

handler400 = "project.http.problems.bad_request"
handler404 = "project.http.problems.not_found"
handler500 = "project.http.problems.server_error"

admin.autodiscover()

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("project.site.urls")),
    path("api/", include("ingest.urls")),
    path("", include("ingest.pages.urls")),
    path("mds/", include("apis.metrics.urls")),
    path("api/", include("reports.urls")),
    path("reports/", include("reports.page_urls")),
    path("open311/", include("apis.open311.urls")),
    path("covid/", include("apis.covid.urls")),
    path("healthz", AliveView.as_view()),
    path("readyz", ReadyView.as_view()),
    path("internal/metrics", MetricsView.as_view()),
    path("api/schema", SchemaView.as_view(), name="schema"),
    path("api/docs", DocsView.as_view(), name="docs"),
    path("admin", RedirectView.as_view(url="/admin/")),
    path("admin/", admin.site.urls),
    path("docs/errors", show_errors, name="errors"),
    path("api/", include("backups.urls")),
    path("api/nyc311/", include("reports.closure.urls")),
]
