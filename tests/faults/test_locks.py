"""Locks that are held longer than `database.lock_timeout_s`: 503 in time, nothing is rejected."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.sending import execute, stored
from tests.conftest import KeyMaker
from tests.database import log_in
from tests.faults.asking import send_once
from tests.faults.stage import Stage, set_stage

# The lock is held until the answer has come, which without the limit a statement waits 30 s for.
PATIENCE_S = 20

ROWS: list[dict[str, Any]] = [
    {"element": 1, "size": 1, "parent": 1},
    {"element": 2, "size": "x", "parent": 1},
]
LOCKS = {
    # First: a key that was used a moment ago is not looked up again.
    "API keys": "LOCK TABLE service.api_key",
    "what rows refer to": "LOCK TABLE hiring.parents",
    "the table": "LOCK TABLE hiring.elements",
    "its rows": "INSERT INTO hiring.elements VALUES (1, 1, 1)",
    "idempotency keys": "LOCK TABLE service.idempotency_key",
    "receipts": "LOCK TABLE service.batch",
    "rejections": "LOCK TABLE service.rejection",
}


@pytest.fixture
def impatient(table: None, tmp_path: Path) -> Iterator[Stage]:
    """A service that waits a second for a lock."""
    execute("CREATE UNIQUE INDEX ON hiring.elements (element)")
    with set_stage(tmp_path, {"lock_timeout_s: 5 ": "lock_timeout_s: 1 "}) as running:
        yield running


def test_a_lock_that_is_held_too_long_is_answered_503_in_time(
    impatient: Stage, api_key: KeyMaker
) -> None:
    key = api_key("ingest")
    for number, (what, statement) in enumerate(LOCKS.items()):
        batch_key = f"patient-{number}"
        with log_in() as holder:
            holder.execute(statement)
            answer = send_once(
                impatient.url, key, "elements", ROWS, timeout_s=PATIENCE_S, batch_key=batch_key
            )
            assert (answer.status, answer.json["code"]) == (503, "unavailable"), what
            assert int(answer.headers["Retry-After"]) > 0
            holder.rollback()
        assert stored("SELECT count(*) FROM service.rejection") == [(0,)]
        assert stored("SELECT count(*) FROM hiring.elements") == [(0,)]
    again = send_once(impatient.url, key, "elements", ROWS, batch_key=batch_key)
    assert (again.status, again.json["inserted"], again.json["rejected"]) == (207, 1, 1)
