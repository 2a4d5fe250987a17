"""What some tests need beside Python: missing, they are skipped; in CI they fail."""

import os

import pytest


def need(is_there: object, reason: str) -> None:
    """Skip the test for the reason; fail it where CI promises that everything is there."""
    if is_there:
        return
    if os.environ.get("ROWHOUSE_TEST_ALL") == "1":
        pytest.fail(f"CI must provide this: {reason}")
    pytest.skip(reason)
