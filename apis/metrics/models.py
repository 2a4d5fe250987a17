"""Answers of the Metrics API, kept until they expire."""

from django.db import models


class MetricResult(models.Model):
    """The answer to one query, fetched again by its id until it expires."""

    id = models.UUIDField(primary_key=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    document = models.BinaryField()  # the JSON answer, compressed

    class Meta:
        db_table = "metric_result"
