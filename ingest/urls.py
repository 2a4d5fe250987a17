"""Addresses under /api that take rows and tell what became of them."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
