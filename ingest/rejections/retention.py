"""What is kept of the past, and for how long. By default nothing is deleted but expired keys."""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from ingest.models import IdempotencyKey, Rejection

# Rejections deleted by one statement.
CHUNK = 10_000


def expire_rejections(now: datetime | None = None) -> int:
    """Delete what `ingest.rejection_retention_days` says is too old; return how many.

    Counted from the day a rejection was replayed or discarded: an open one is never deleted.
    """
    days = settings.CONFIG.ingest.rejection_retention_days
    if days is None:
        return 0
    expired = Rejection.objects.exclude(state=Rejection.State.OPEN).filter(
        resolved_at__lt=(now or timezone.now()) - timedelta(days=days)
    )
    total = 0
    while ids := list(expired.order_by("pk").values_list("pk", flat=True)[:CHUNK]):
        total += Rejection.objects.filter(pk__in=ids).delete()[0]
    return total


def expire_idempotency_keys(now: datetime | None = None) -> int:
    """Delete the idempotency keys whose time is over; return how many."""
    deleted, _ = IdempotencyKey.objects.filter(expires_at__lte=now or timezone.now()).delete()
    return deleted
