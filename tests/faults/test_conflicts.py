"""Deadlocks and serialization failures: the batch is run again, no row is blamed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.api.sending import execute, stored
from tests.conftest import KeyMaker
from tests.database import log_in
from tests.faults.asking import Answer, send_once
from tests.faults.stage import Stage
from tests.scale import scale
from tests.waiting import wait_until

ROUNDS = 1  # 20 in the long form

PASSING = {"40001": "serialization_failure", "40P01": "deadlock_detected"}
CLEAN = [{"element": 1, "size": 1, "parent": 1}]
MIXED = [*CLEAN, *({"element": 2, "size": size, "parent": 2} for size in (-1, "x"))]

# Raises the error until a counter, which no rollback takes back, has passed its bound.
_FAIL = """
CREATE FUNCTION hiring.fail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF nextval('hiring.failures') <= {bound} THEN
    RAISE EXCEPTION 'a passing failure' USING ERRCODE = '{state}';
  END IF;
  RETURN NEW;
END $$
"""
_TRIGGER = """
CREATE TRIGGER fail BEFORE INSERT ON hiring.elements
FOR EACH STATEMENT EXECUTE FUNCTION hiring.fail()
"""

# A role's settings are those of its next sessions.
_END_SESSIONS = """
SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity
WHERE datname = current_database() AND usename = 'ingest_writer'
"""


@pytest.fixture
def send(stage: Stage, api_key: KeyMaker) -> Any:
    key = api_key("ingest")

    def post(*arguments: Any, **options: Any) -> Answer:
        return send_once(stage.url, key, *arguments, **options)

    return post


@pytest.fixture
def failing(table: None) -> Iterator[Any]:
    """Return a function that makes the table fail so often with an SQLSTATE."""

    def fail(state: str, times: int) -> None:
        execute("CREATE SEQUENCE hiring.failures")
        execute("GRANT USAGE ON hiring.failures TO ingest_writer")
        execute(_FAIL.format(bound=times, state=PASSING[state]))
        execute(_TRIGGER)

    yield fail
    execute("DROP FUNCTION hiring.fail CASCADE")
    execute("DROP SEQUENCE hiring.failures")


def rejected() -> int:
    return int(stored("SELECT count(*) FROM service.rejection")[0][0])


@pytest.mark.parametrize("rows", [CLEAN, MIXED], ids=["clean", "mixed"])
@pytest.mark.parametrize("state", PASSING)
def test_a_failure_that_passes_is_not_seen_by_the_client(
    send: Any, failing: Any, state: str, rows: list[dict[str, Any]]
) -> None:
    failing(state, times=2)
    answer = send("elements", rows)
    assert answer.status == (201 if rows is CLEAN else 207)
    assert answer.json["rejected"] == rejected() == len(rows) - 1
    assert stored("SELECT element FROM hiring.elements") == [(1,)]
    assert stored("SELECT last_value > 2 FROM hiring.failures") == [(True,)]


@pytest.mark.parametrize("state", PASSING)
def test_a_failure_that_stays_is_its_rows(send: Any, failing: Any, state: str) -> None:
    failing(state, times=1_000_000)
    answer = send("elements", CLEAN, batch_key="again")
    assert (answer.status, answer.json["rejected"]) == (422, 1)
    (error,) = answer.json["rejections"][0]["errors"]
    assert error["code"] == "trigger_rejected"
    assert rejected() == 1
    assert stored("SELECT count(*) FROM hiring.elements") == [(0,)]


@pytest.fixture
def numbered(stage: Stage) -> None:
    execute("CREATE TABLE hiring.numbered (id int PRIMARY KEY, n int NOT NULL CHECK (n > 0))")
    execute("INSERT INTO hiring.numbered VALUES (1, 1), (2, 1)")


def is_waiting() -> bool:
    query = """
        SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
                       AND usename = 'ingest_writer' AND wait_event_type = 'Lock')
    """
    with log_in() as observer:
        return bool(observer.execute(query).fetchall()[0][0])


def test_the_victim_of_a_deadlock_is_run_again(send: Any, numbered: None) -> None:
    for n in range(2, 2 + scale(ROUNDS)):
        rows = [{"id": 1, "n": n}, {"id": 2, "n": n}, {"id": 3, "n": -n}]
        with log_in() as rival, ThreadPoolExecutor(1) as pool:
            # PostgreSQL ends the first of the two that looks for deadlocks: not this one.
            rival.execute("SET deadlock_timeout = '60s'")
            rival.execute("UPDATE hiring.numbered SET n = 1 WHERE id = 2")
            waiting = pool.submit(send, "numbered", rows, "?on_conflict=update")
            wait_until(is_waiting, "the batch waits for row 2")
            rival.execute("UPDATE hiring.numbered SET n = 1 WHERE id = 1")
            rival.commit()
            answer = waiting.result()
        assert (answer.status, answer.json["updated"], answer.json["rejected"]) == (207, 2, 1)
        assert stored("SELECT DISTINCT n FROM hiring.numbered") == [(n,)]
    assert rejected() == scale(ROUNDS)


@pytest.fixture
def serializable(stage: Stage) -> Iterator[None]:
    """Have SERIALIZABLE be the role's default, with which batches fail on others' updates."""
    (name,) = stored("SELECT current_database()")[0]
    role = f'ALTER ROLE ingest_writer IN DATABASE "{name}"'
    execute(f"{role} SET default_transaction_isolation = 'serializable'")
    execute(_END_SESSIONS)
    yield
    execute(f"{role} RESET default_transaction_isolation")
    execute(_END_SESSIONS)


def test_no_default_has_a_batch_fail_on_the_updates_of_others(
    serializable: None, send: Any, numbered: None
) -> None:
    for n in range(2, 2 + scale(ROUNDS)):
        rows = [{"id": 1, "n": n}, {"id": 2, "n": "x"}]
        with log_in() as rival, ThreadPoolExecutor(1) as pool:
            rival.execute("UPDATE hiring.numbered SET n = 1 WHERE id = 1")
            waiting = pool.submit(send, "numbered", rows, "?on_conflict=update")
            wait_until(is_waiting, "the batch waits for row 1")
            rival.commit()
            answer = waiting.result()
        assert (answer.status, answer.json["updated"], answer.json["rejected"]) == (207, 1, 1)
        assert stored("SELECT n FROM hiring.numbered WHERE id = 1") == [(n,)]
    assert rejected() == scale(ROUNDS)
