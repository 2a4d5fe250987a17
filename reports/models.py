"""What is recorded about reports: the state of each table, and each refresh that ran."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Report(models.Model):
    """A report table's state, written in the transaction that writes the table."""

    name = models.TextField(primary_key=True)
    version = models.BigIntegerField(default=0, db_default=0)  # grows with every refresh
    sources = ArrayField(models.TextField(), default=list, db_default=[])
    definition = models.TextField(null=True)  # digest of the definition the table was made by
    fingerprint = models.TextField(null=True)  # of the sources, taken before they were read
    refreshed_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)  # when it was last known to be up to date
    rows = models.BigIntegerField(null=True)
    last_batch = models.UUIDField(null=True)
    snapshot_date = models.DateField(null=True)  # the last day kept in the history
    line = models.FloatField(null=True)  # where the chart's line is
    failed_at = models.DateTimeField(null=True)
    last_error = models.TextField(null=True)

    class Meta:
        db_table = "report"

    def __str__(self) -> str:
        return self.name


class ReportRun(models.Model):
    """One refresh that wrote the table or failed; unchanged sources leave no record."""

    id = models.BigAutoField(primary_key=True)
    report = models.TextField()
    started_at = models.DateTimeField(db_index=True)
    duration_ms = models.FloatField()
    outcome = models.TextField(choices=[("refreshed", "refreshed"), ("failed", "failed")])
    rows = models.BigIntegerField(null=True)
    last_batch = models.UUIDField(null=True)
    error = models.TextField(null=True)

    class Meta:
        db_table = "report_run"
        indexes: ClassVar = [models.Index(fields=["report", "-id"], name="report_run_by_report")]

    def __str__(self) -> str:
        return f"{self.report} ({self.outcome})"
