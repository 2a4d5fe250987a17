"""Addresses under /api that take rows, tell what became of them, and read them."""

from django.urls import URLPattern, path

from ingest.api.batches import BatchesView, BatchView
from ingest.api.files import InspectView
from ingest.api.intake import IngestView
from ingest.api.rejections import DiscardView, RejectionsView, RejectionView
from ingest.api.replays import ReplaysView, ReplayView
from ingest.api.rows import RowsView, RowView
from ingest.api.tables import TablesView, TableView

urlpatterns: list[URLPattern] = [
    path("ingest", IngestView.as_view()),
    path("ingest/<path:table>", IngestView.as_view()),
    path("batches", BatchesView.as_view()),
    path("batches/<str:batch>", BatchView.as_view()),
    path("rejections", RejectionsView.as_view()),
    path("rejections/replay", ReplaysView.as_view()),
    path("rejections/<str:rejection>", RejectionView.as_view()),
    path("rejections/<str:rejection>/replay", ReplayView.as_view()),
    path("rejections/<str:rejection>/discard", DiscardView.as_view()),
    path("files/inspect", InspectView.as_view()),
    path("tables", TablesView.as_view()),
    path("tables/<path:table>/rows/<path:key>", RowView.as_view()),
    path("tables/<path:table>/rows", RowsView.as_view()),
    path("tables/<path:table>", TableView.as_view()),
]
