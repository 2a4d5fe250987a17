"""Addresses under /api that take rows and tell what became of them."""

from django.urls import URLPattern, path

from ingest.api.batches import BatchView
from ingest.api.intake import IngestView

urlpatterns: list[URLPattern] = [
    path("ingest", IngestView.as_view()),
    path("ingest/<path:table>", IngestView.as_view()),
    path("batches/<str:batch>", BatchView.as_view()),
]
