"""Addresses of the pages for people."""

from django.urls import URLPattern, path

from project.site import dashboard, login, tables

app_name = "site"

urlpatterns: list[URLPattern] = [
    path("", dashboard.show_dashboard, name="dashboard"),
    path("dashboard.json", dashboard.LiveView.as_view(), name="live"),
    path("tables/", tables.list_tables, name="tables"),
    path("tables/<path:name>", tables.show_table, name="table"),
    path("login/", login.log_in, name="login"),
    path("logout/", login.log_out, name="logout"),
]
