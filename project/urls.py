"""The service's addresses."""

from django.urls import URLPattern, URLResolver, include, path

handler400 = "project.problems.bad_request"
handler404 = "project.problems.not_found"
handler500 = "project.problems.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/", include("ingest.urls")),
    path("open311/", include("apis.open311.urls")),
]
