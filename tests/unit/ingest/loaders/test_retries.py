"""When a request is sent again, and after how long."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from ingest.loaders.retries import RetryPolicy, is_transient, read_retry_after


def test_waits_double_up_to_the_longest() -> None:
    policy = RetryPolicy(first_wait_s=0.2, longest_wait_s=10.0)
    for tries, most in [(1, 0.2), (2, 0.4), (3, 0.8), (6, 6.4), (7, 10.0), (5000, 10.0)]:
        assert most / 2 <= policy.wait_s(tries) <= most


def test_no_wait_is_shorter_than_was_asked_for() -> None:
    assert RetryPolicy().wait_s(1, asked_s=30.0) == 30.0


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_passing_answers_are_asked_again(status: int) -> None:
    assert is_transient(status, "")


@pytest.mark.parametrize(
    ("status", "code", "passes"),
    [
        (409, "idempotency_key_in_use", True),
        (409, "table_ambiguous", False),
        (400, "json_syntax", False),
        (422, "idempotency_key_reused", False),
        (500, "internal_error", False),
    ],
)
def test_a_conflict_passes_only_while_the_first_try_runs(
    status: int, code: str, passes: bool
) -> None:
    assert is_transient(status, code) is passes


def test_retry_after_is_read_as_seconds_or_as_a_date() -> None:
    assert read_retry_after("7") == 7.0
    later = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    assert 3590 < read_retry_after(later) <= 3600
    assert read_retry_after(format_datetime(datetime(2000, 1, 1, tzinfo=UTC))) == 0.0
    assert read_retry_after(later.replace("GMT", "-0000")) > 3590


@pytest.mark.parametrize("value", [None, "", "soon", "-1", "\u0663"])
def test_a_retry_after_that_is_not_understood_asks_for_nothing(value: str | None) -> None:
    assert read_retry_after(value) == 0.0
