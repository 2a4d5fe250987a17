"""Runs in Django's admin, to be read."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from backups.models import BackupRun


@admin.register(BackupRun)
class BackupRunAdmin(admin.ModelAdmin):
    """A run is what happened: nobody adds, changes or removes one here."""

    list_display = ("id", "kind", "state", "created_at", "finished_at", "rows_done", "proven_at")
    list_filter = ("kind", "state")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False."""
        return False
