"""Addresses of the pages for people."""

from django.conf import settings
from django.urls import URLPattern, path, re_path
from django.views.generic import RedirectView

from project.site import dashboard, login, tables

app_name = "site"

urlpatterns: list[URLPattern] = [
    path("", dashboard.show_dashboard, name="dashboard"),
    path("dashboard.json", dashboard.LiveView.as_view(), name="live"),
    path("tables/", tables.list_tables, name="tables"),
    # Any name: PostgreSQL allows line ends in it, Django's `path` does not.
    re_path(r"^tables/(?P<table>[\s\S]+)\Z", tables.show_table, name="table"),
    # Browsers ask for it on pages that name no icon, such as the admin's.
    path("favicon.ico", RedirectView.as_view(url=f"{settings.STATIC_URL}site/icon.svg")),
    path("login/", login.log_in, name="login"),
    path("logout/", login.log_out, name="logout"),
]
