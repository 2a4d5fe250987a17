"""Addresses under /api/backups."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
