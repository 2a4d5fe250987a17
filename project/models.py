"""What the shell of the service keeps: API keys, applied dataset files, runs of jobs."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from rest_framework_api_key.models import AbstractAPIKey


class Scope(models.TextChoices):
    """What a key may do."""

    READ = "read"
    INGEST = "ingest"
    BACKUP = "backup"
    ADMIN = "admin"


class ApiKey(AbstractAPIKey):
    """A client's key: only its hash is stored, the key itself is shown once."""

    scopes = ArrayField(models.CharField(max_length=20, choices=Scope.choices))
    tables = ArrayField(
        models.CharField(max_length=127),
        default=list,
        blank=True,
        help_text="Tables (hiring.employees) or datasets (hiring) ingest is limited to; "
        "empty: all of them.",
    )
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    secret: str | None = None  # of a key that was made this moment; it is not stored

    class Meta(AbstractAPIKey.Meta):
        db_table = "api_key"
        verbose_name = "API key"
        # What a member of staff may do who calls the API from a session.
        permissions: ClassVar = [
            ("api_read", "Can do what a key with the scope read may"),
            ("api_ingest", "Can do what a key with the scope ingest may"),
            ("api_backup", "Can do what a key with the scope backup may"),
            ("api_admin", "Can do what a key with the scope admin may"),
        ]

    def may(self, scope: Scope) -> bool:
        """Return whether the key has the scope; `admin` includes the others."""
        return scope in self.scopes or Scope.ADMIN in self.scopes

    def may_ingest_into(self, schema: str, table: str) -> bool:
        """Return whether the key's table list, if it has one, names the table or its dataset."""
        return not self.tables or schema in self.tables or f"{schema}.{table}" in self.tables


class KeyUsage(models.Model):
    """How many requests a key has asked for in the minute it was last used."""

    key_prefix = models.TextField(primary_key=True)
    minute = models.DateTimeField()
    requests = models.IntegerField()

    class Meta:
        db_table = "key_usage"


class LoginAttempt(models.Model):
    """An attempt to log in that has not succeeded; kept while it counts."""

    id = models.BigAutoField(primary_key=True)
    name = models.TextField()
    address = models.TextField(default="", db_default="")  # of the client; an IPv6 network
    at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "login_attempt"


class AppliedSchema(models.Model):
    """A dataset's schema.sql as it was last applied: what a changed file is compared with."""

    dataset = models.TextField(primary_key=True)
    schema_sql = models.TextField()
    applied_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "applied_schema"

    def __str__(self) -> str:
        return self.dataset


class JobRun(models.Model):
    """One run of a scheduled job, or one that was skipped because another had it."""

    class Outcome(models.TextChoices):
        """How it ended; `running` is also what a killed run says until the next tick."""

        RUNNING = "running"
        OK = "ok"
        FAILED = "failed"
        SKIPPED = "skipped"

    id = models.BigAutoField(primary_key=True)
    job = models.TextField()
    tick = models.DateTimeField()  # the moment it was due
    started_at = models.DateTimeField(db_index=True)
    finished_at = models.DateTimeField(null=True)
    duration_ms = models.FloatField(null=True)
    outcome = models.TextField(choices=Outcome.choices)
    note = models.TextField(default="", db_default="")  # what the job said, or why it was skipped
    error = models.TextField(default="", db_default="")

    class Meta:
        db_table = "job_run"
        indexes: ClassVar = [models.Index(fields=["job", "-tick"], name="job_run_by_job")]

    def __str__(self) -> str:
        return f"{self.job} ({self.outcome})"
