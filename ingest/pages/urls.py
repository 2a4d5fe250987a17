"""Addresses of the pages for people."""

from django.urls import URLPattern, path

from ingest.pages import desk, loading

app_name = "desk"

urlpatterns: list[URLPattern] = [
    path("rejections/", desk.show_desk, name="rejections"),
    path("load/", loading.show_load, name="load"),
]
