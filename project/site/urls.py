"""Addresses of the pages for people."""

from django.urls import URLPattern, path

from project.site import login

app_name = "site"

urlpatterns: list[URLPattern] = [
    path("login/", login.log_in, name="login"),
    path("logout/", login.log_out, name="logout"),
]
