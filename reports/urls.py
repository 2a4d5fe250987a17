"""Addresses of reports under /api."""

from django.urls import URLPattern, path

from reports.api.tableau import DataSourceView, SchemaSourceView
from reports.api.views import RefreshView, ReportsView, ReportView

urlpatterns: list[URLPattern] = [
    path("reports", ReportsView.as_view()),
    path("reports.tds", SchemaSourceView.as_view()),
    path("reports/<str:name>.tds", DataSourceView.as_view()),
    path("reports/<str:name>", ReportView.as_view()),
    path("reports/<str:name>/refresh", RefreshView.as_view()),
]
