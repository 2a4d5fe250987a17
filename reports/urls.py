"""Addresses under /api that tell about reports."""

from django.urls import URLPattern, path

from reports.api.contents import ReportView
from reports.api.listing import ReportsView
from reports.api.refreshing import RefreshView
from reports.api.tableau import DataSourceView, SchemaSourceView

urlpatterns: list[URLPattern] = [
    path("reports", ReportsView.as_view()),
    path("reports.tds", SchemaSourceView.as_view()),
    path("reports/<str:name>.tds", DataSourceView.as_view()),
    path("reports/<str:name>", ReportView.as_view()),
    path("reports/<str:name>/refresh", RefreshView.as_view()),
]
