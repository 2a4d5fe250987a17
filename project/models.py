"""What the shell of the service keeps: API keys and the dataset files that were applied."""

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

    class Meta(AbstractAPIKey.Meta):
        db_table = "api_key"
        verbose_name = "API key"

    def may(self, scope: Scope) -> bool:
        """Return whether the key has the scope; `admin` includes the others."""
        return scope in self.scopes or Scope.ADMIN in self.scopes

    def may_ingest_into(self, schema: str, table: str) -> bool:
        """Return whether the key's table list, if it has one, names the table or its dataset."""
        return not self.tables or schema in self.tables or f"{schema}.{table}" in self.tables


class AppliedSchema(models.Model):
    """A dataset's schema.sql as it was last applied: what a changed file is compared with."""

    dataset = models.TextField(primary_key=True)
    schema_sql = models.TextField()
    applied_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "applied_schema"
