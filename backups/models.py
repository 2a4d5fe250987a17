"""Runs of backups, checks and restores: what was asked, how far it is, how it ended."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class BackupRun(models.Model):
    """One run, in the foreground or the background."""

    class Kind(models.TextChoices):
        """What is done."""

        BACKUP = "backup"
        VERIFY = "verify"
        RESTORE = "restore"

    class State(models.TextChoices):
        """How far it is."""

        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        INCOMPLETE = "incomplete"  # of some tables only: the others could not be read
        FAILED = "failed"

    id = models.UUIDField(primary_key=True)  # version 7; a backup's folder ends with it
    kind = models.TextField(choices=Kind.choices)
    state = models.TextField(choices=State.choices, default=State.QUEUED)
    backup = models.UUIDField(null=True)  # the backup that is verified or restored
    tables = ArrayField(models.TextField(), default=list)  # empty: all of them
    options = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)  # the last heartbeat
    finished_at = models.DateTimeField(null=True)
    host = models.TextField(default="")
    process = models.IntegerField(null=True)
    rows_done = models.BigIntegerField(default=0)
    rows_total = models.BigIntegerField(null=True)
    folder = models.TextField(default="")
    bytes = models.BigIntegerField(null=True)
    last_batch = models.UUIDField(null=True)
    proven_at = models.DateTimeField(null=True)  # when a restore last proved the backup good
    report = models.JSONField(null=True)
    error = models.TextField(default="")

    class Meta:
        db_table = "backup_run"
        indexes = [
            models.Index(fields=["kind", "-id"], name="backup_run_by_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id} ({self.state})"
