"""Idempotency keys that are remembered no longer."""

from datetime import UTC, datetime

from ingest.models import IdempotencyKey


def expire_idempotency_keys() -> str:
    """Delete the keys whose time is over; say how many there were."""
    deleted, _ = IdempotencyKey.objects.filter(expires_at__lte=datetime.now(UTC)).delete()
    return f"{deleted} expired"
