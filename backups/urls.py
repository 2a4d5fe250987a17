"""Addresses under /api/backups."""

from django.urls import URLPattern, path

from backups.api.backups import BackupsView, BackupView, RestoreView, VerifyView

urlpatterns: list[URLPattern] = [
    path("backups", BackupsView.as_view()),
    path("backups/<str:run>", BackupView.as_view()),
    path("backups/<str:run>/verify", VerifyView.as_view()),
    path("backups/<str:run>/restore", RestoreView.as_view()),
]
