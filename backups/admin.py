"""Runs in Django's admin, to be read."""

import json

from django.contrib import admin
from django.db.models import Q, QuerySet

from backups.models import BackupRun
from backups.store.archive import list_backups
from project.http.people.record_admin import RecordAdmin, link_record, parse_uuid, show_text


@admin.register(BackupRun)
class BackupRunAdmin(RecordAdmin):
    """Backups, checks and restores, newest first."""

    list_display = (
        *("id", "kind", "state", "created_at", "finished_at", "rows_done", "bytes"),
        *("proven_at", "error"),
    )
    list_filter = ("kind", "state")
    ordering = ("-id",)
    search_fields = ("id",)
    search_help_text = (
        "The id of a run or a backup; the id of a batch, for the backups that include it; a table"
    )
    fields = (
        *("id", "kind", "state", "backup_link", "tables", "options", "created_at", "started_at"),
        *("seen_at", "finished_at", "host", "process", "rows_done", "rows_total", "folder"),
        *("bytes", "last_batch_link", "proven_at", "pinned", "found", "error"),
    )

    def find(self, records: QuerySet[BackupRun], term: str) -> QuerySet[BackupRun]:
        """Return the runs of this backup, the backups that include this batch or this table."""
        identifier = parse_uuid(term)
        if identifier is None:
            return records.filter(tables__contains=[term])
        runs = records.filter(Q(pk=identifier) | Q(backup=identifier))
        if runs.exists():
            return runs
        # The ids of batches grow with time.
        return records.filter(kind=BackupRun.Kind.BACKUP, last_batch__gte=identifier)

    @admin.display(description="backup")
    def backup_link(self, run: BackupRun) -> str:
        """Link to the backup that was checked or restored."""
        return link_record("backups_backuprun", run.backup)

    @admin.display(description="last batch")
    def last_batch_link(self, run: BackupRun) -> str:
        """Link to the last batch that is in it."""
        return link_record("ingest_batch", run.last_batch)

    @admin.display(boolean=True)
    def pinned(self, run: BackupRun) -> bool:
        """Return whether the backup is kept whatever the rules of retention say."""
        return any(backup.id == run.pk and backup.is_pinned for backup in list_backups())

    @admin.display(description="report")
    def found(self, run: BackupRun) -> str:
        """Return what the run says it did."""
        return show_text(json.dumps(run.report, indent=2, ensure_ascii=False))
