"""Results kept under their id for a while."""

import zlib
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from apis.metrics.answers import MetricsAnswer
from apis.metrics.errors import ResultUnknown
from apis.metrics.models import MetricResult

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(MetricsAnswer).decode


def keep_result(answer: MetricsAnswer, lifetime: timedelta) -> None:
    """Store the answer until its lifetime is over; forget those whose lifetime is."""
    now = datetime.now(UTC)
    MetricResult.objects.filter(expires_at__lt=now).delete()
    MetricResult.objects.create(
        id=answer.id,
        created_at=now,
        expires_at=now + lifetime,
        document=zlib.compress(_encode(answer), level=1),
    )


def find_result(identifier: str) -> MetricsAnswer:
    """Return a kept answer; raise `ResultUnknown`."""
    try:
        wanted = UUID(identifier)
        kept = MetricResult.objects.get(id=wanted, expires_at__gte=datetime.now(UTC))
    except (ValueError, MetricResult.DoesNotExist) as error:
        raise ResultUnknown from error
    return _decode(zlib.decompress(kept.document))
