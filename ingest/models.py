"""What is recorded about ingested data: batches (receipts), rejections and idempotency keys."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Batch(models.Model):
    """One request's receipt: `received = inserted + updated + ignored + rejected`, always."""

    id = models.UUIDField(primary_key=True)  # version 7: its order is the order of arrival
    created_at = models.DateTimeField()
    table_name = models.TextField()  # schema.table, as the receipt shows it
    key_prefix = models.TextField()  # the API key that sent it
    format = models.TextField()  # json | ndjson | csv | replay …
    on_conflict = models.TextField()
    atomic = models.BooleanField()
    dry_run = models.BooleanField()
    received = models.IntegerField()
    inserted = models.IntegerField()
    updated = models.IntegerField()
    ignored = models.IntegerField()
    rejected = models.IntegerField()
    duration_ms = models.FloatField()
    fields = ArrayField(models.TextField(), null=True)  # the columns of its CSV records, in order
    nulls = ArrayField(models.TextField(), null=True)  # the words that mean null in them
    # The rejections as the receipt has them, where they are not, or not all, logged as rejections
    # of their own: of a dry run, of a replay, and where rows were rejected before.
    foreseen = models.JSONField(null=True)
    additions = models.JSONField(null=True)  # what the receipt has only where it was asked for

    class Meta:
        db_table = "batch"
        verbose_name_plural = "batches"
        indexes: ClassVar = [
            models.Index(fields=["table_name", "-id"], name="batch_by_table"),
        ]

    def __str__(self) -> str:
        return f"{self.id} ({self.table_name})"


class Rejection(models.Model):
    """One row that was not stored, as it was sent, with every reason."""

    class State(models.TextChoices):
        """Open until it is stored by a replay or discarded by a person."""

        OPEN = "open"
        REPLAYED = "replayed"
        DISCARDED = "discarded"

    id = models.BigAutoField(primary_key=True)
    # No constraint: a batch and its rejections commit in one transaction, and checking a
    # thousand references one by one costs as much as storing them.
    batch = models.ForeignKey(
        Batch, models.DO_NOTHING, db_constraint=False, related_name="rejections"
    )
    created_at = models.DateTimeField()
    table_name = models.TextField()
    index = models.IntegerField()  # place in the batch, from 0
    line = models.IntegerField(null=True)  # line of a CSV or NDJSON body, from 1
    format = models.TextField()  # what `raw` is written in: json | csv
    raw = models.BinaryField()  # the row as it was sent, cut at ingest.max_raw_bytes
    raw_bytes = models.IntegerField()  # its size before it was cut
    errors = models.JSONField()  # as the batch's receipt says
    # Why it was not stored when it was last replayed as it had been sent; codes and columns are
    # those of the newest errors.
    replay_errors = models.JSONField(null=True)
    codes = ArrayField(models.TextField())
    columns = ArrayField(models.TextField())
    state = models.TextField(choices=State.choices, default=State.OPEN, db_default=State.OPEN)
    resolved_at = models.DateTimeField(null=True)
    # Of the row, where it came from and why it was rejected: a row that comes again in a later
    # batch, and is rejected again, is this rejection while it is open.
    digest = models.UUIDField(null=True)
    seen = models.IntegerField(default=1, db_default=1)
    last_seen = models.DateTimeField(null=True)  # where it was seen more than once, as the next
    last_batch = models.UUIDField(null=True)
    last_index = models.IntegerField(null=True)
    replayed_batch = models.ForeignKey(
        Batch,
        models.DO_NOTHING,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="replayed_rejections",
    )

    class Meta:
        db_table = "rejection"
        # Every index is work for each rejected row: new rows come last in the first, and are in
        # none of the others but that of digests.
        indexes: ClassVar = [
            models.Index(fields=["state", "table_name", "id"], name="rejection_by_table"),
            models.Index(
                fields=["replayed_batch"],
                condition=models.Q(replayed_batch__isnull=False),
                name="rejection_by_replay",
            ),
            models.Index(
                fields=["digest"],
                condition=models.Q(state="open"),
                name="rejection_by_digest",
            ),
            models.Index(
                fields=["last_batch"],
                condition=models.Q(last_batch__isnull=False),
                name="rejection_by_last_batch",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk} ({self.table_name}, {self.state})"


class IdempotencyKey(models.Model):
    """A key some client sent with a batch, so that a repeated request stores nothing twice."""

    pk = models.CompositePrimaryKey("key_prefix", "key")
    key_prefix = models.TextField()
    key = models.TextField()
    request_hash = models.BinaryField()
    batch = models.ForeignKey(Batch, models.DO_NOTHING, db_constraint=False)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "idempotency_key"


class RememberedKey(models.Model):
    """An `IdempotencyKey` found by its batch, which has one at most: lists need a single column."""

    batch = models.OneToOneField(
        Batch, models.DO_NOTHING, primary_key=True, db_constraint=False, related_name="+"
    )
    key_prefix = models.TextField()
    key = models.TextField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "idempotency_key"
        verbose_name = "idempotency key"

    def __str__(self) -> str:
        return self.key


class SocrataMark(models.Model):
    """How far a Socrata dataset was loaded, and how far the load that is under way has come.

    A load takes what was modified in [low, high) in the order of `:id`; `position` is the last
    `:id` whose rows, and all before them, have their outcome. `mark` is the end of the last
    complete load.
    """

    name = models.TextField(primary_key=True)  # as in rest_conf.yml
    mark = models.DateTimeField(null=True)
    created_since = models.DateTimeField(null=True)  # floating; only rows created since are loaded
    low = models.DateTimeField(null=True)
    high = models.DateTimeField(null=True)  # null: no load is under way
    position = models.TextField(null=True)
    rows = models.BigIntegerField(default=0)  # of the load under way or the last one
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "socrata_mark"

    def __str__(self) -> str:
        return self.name
