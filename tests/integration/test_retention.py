"""What is deleted when its time is over, and what never is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from uuid_utils.compat import uuid7

from ingest.models import IdempotencyKey, Rejection
from ingest.rejections import retention
from ingest.rejections.retention import expire_idempotency_keys, expire_rejections

pytestmark = pytest.mark.usefixtures("database")

NOW = datetime(2021, 7, 27, tzinfo=UTC)


def make_rejection(state: str, days_ago: int) -> int:
    moment = NOW - timedelta(days=days_ago)
    rejection = Rejection.objects.create(
        batch_id=uuid7(),
        created_at=moment,
        table_name="hiring.jobs",
        index=0,
        format="json",
        raw=b"{}",
        raw_bytes=2,
        errors=[],
        codes=[],
        columns=[],
        state=state,
        resolved_at=None if state == "open" else moment,
    )
    return rejection.pk


def keep_days(settings: Any, days: int | None) -> None:
    ingest = msgspec.structs.replace(settings.CONFIG.ingest, rejection_retention_days=days)
    settings.CONFIG = msgspec.structs.replace(settings.CONFIG, ingest=ingest)


def test_nothing_is_deleted_by_default() -> None:
    make_rejection("discarded", 10_000)
    assert expire_rejections(NOW) == 0
    assert Rejection.objects.count() == 1


def test_old_rejections_are_deleted_unless_they_are_open(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "CHUNK", 1)
    keep_days(settings, 30)
    kept = {make_rejection("open", 400), make_rejection("replayed", 30)}
    for state in ("replayed", "discarded"):
        make_rejection(state, 31)
    assert expire_rejections(NOW) == 2
    assert set(Rejection.objects.values_list("pk", flat=True)) == kept


def test_idempotency_keys_are_deleted_when_they_have_expired() -> None:
    for key, seconds in {"old": 0, "new": 1}.items():
        IdempotencyKey.objects.create(
            key_prefix="p",
            key=key,
            request_hash=b"",
            batch_id=uuid7(),
            created_at=NOW,
            expires_at=NOW + timedelta(seconds=seconds),
        )
    assert expire_idempotency_keys(NOW) == 1
    assert IdempotencyKey.objects.get().key == "new"
