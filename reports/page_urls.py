"""Addresses of the report pages."""

from django.urls import URLPattern, path

from reports import pages

app_name = "reports"

urlpatterns: list[URLPattern] = [
    path("", pages.list_reports, name="list"),
    path("rowhouse_reports.tds", pages.download_schema_source, name="all-tds"),
    path("<str:name>/", pages.show_report, name="report"),
    path("<str:name>.csv", pages.download_csv, name="csv"),
    path("<str:name>.tds", pages.download_data_source, name="tds"),
]
