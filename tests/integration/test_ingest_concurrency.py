"""Many requests at once: every row has one outcome, whatever other writers and DDL do meanwhile."""

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection, connections
from django.test import Client
from psycopg.sql import SQL, Identifier

from project.models import Scope
from tests.api.sending import codes, counts, execute, send, stored
from tests.database import log_in
from tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("database")

Job = Callable[[Client], Any]


@pytest.fixture
def run_at_once(api_key: Any) -> Callable[[list[Job]], list[Any]]:
    """Return a function that runs jobs in threads that start together, each with a client."""
    secret = api_key(*Scope.values)

    def run(jobs: list[Job]) -> list[Any]:
        start = threading.Barrier(len(jobs))

        def work(job: Job) -> Any:
            try:
                start.wait()
                return job(Client(headers={"Authorization": f"Api-Key {secret}"}))
            finally:
                connections.close_all()

        with ThreadPoolExecutor(len(jobs)) as pool:
            return list(pool.map(work, jobs))

    return run


@contextmanager
def other_session() -> Iterator[psycopg.Connection]:
    """Connect as somebody with psql would, beside the service."""
    with log_in() as session:
        session.autocommit = True
        yield session


def outcomes(answer: Any) -> int:
    """Return how many rows a receipt accounts for."""
    return counts(answer)[0]


# Idempotency keys.


def test_fifty_requests_with_one_key_store_one_batch(run_at_once: Any) -> None:
    execute("CREATE TABLE hiring.made (id serial, n int CHECK (n > 0))")
    rows = [{"n": 1}, {"n": 0}]

    def job(client: Client) -> Any:
        return send(client, "made", rows, **{"Idempotency-Key": "once"})

    answers = run_at_once([job] * 50)
    assert {answer.status_code for answer in answers} <= {207, 409}
    receipts = [answer.json() for answer in answers if answer.status_code == 207]
    assert all(receipt == receipts[0] for receipt in receipts)
    fresh = [a for a in answers if a.status_code == 207 and "Idempotency-Replayed" not in a.headers]
    assert len(fresh) == 1
    for answer in answers:
        if answer.status_code == 409:
            assert answer.json()["code"] == "idempotency_key_in_use"
    assert stored("SELECT count(*) FROM hiring.made") == [(1,)]
    assert stored("SELECT count(*) FROM service.batch") == [(1,)]
    assert stored("SELECT count(*) FROM service.rejection") == [(1,)]


def test_a_key_is_in_use_while_its_batch_waits(run_at_once: Any) -> None:
    execute("CREATE TABLE hiring.made (id int PRIMARY KEY)")

    def job(client: Client) -> Any:
        return send(client, "made", [{"id": 1}, {"id": 2}], **{"Idempotency-Key": "slow"})

    with other_session() as session, ThreadPoolExecutor(1) as pool:
        session.execute("BEGIN")
        session.execute("INSERT INTO hiring.made VALUES (1)")
        waiting = pool.submit(run_at_once, [job])
        wait_for_lock(session)
        (twin,) = run_at_once([job])
        assert (twin.status_code, twin.json()["code"]) == (409, "idempotency_key_in_use")
        session.execute("COMMIT")
        (answer,) = waiting.result()
    assert codes(answer.json()) == {0: [("duplicate_key", None)]}
    (again,) = run_at_once([job])
    assert again.json() == answer.json()
    assert again.headers["Idempotency-Replayed"] == "true"


def wait_for_lock(session: psycopg.Connection) -> None:
    """Return once another session of this database waits for a lock."""
    waiting = """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'
    """

    def is_waiting() -> bool:
        session.execute("SELECT pg_stat_clear_snapshot()")
        return session.execute(waiting).fetchone() != (0,)

    wait_until(is_waiting, "a session waits for a lock")


def test_an_expired_key_is_free_again(client: Client) -> None:
    execute("CREATE TABLE hiring.made (id int)")
    headers = {"Idempotency-Key": "old"}
    first = send(client, "made", [{"id": 1}], **headers)
    assert send(client, "made", [{"id": 2}], **headers).status_code == 422
    execute("UPDATE service.idempotency_key SET expires_at = now() - interval '1 second'")
    second = send(client, "made", [{"id": 2}], **headers)
    assert (second.status_code, "Idempotency-Replayed" in second.headers) == (201, False)
    assert second.json()["batch"] != first.json()["batch"]
    assert send(client, "made", [{"id": 2}], **headers).json() == second.json()
    assert stored("SELECT id FROM hiring.made ORDER BY id") == [(1,), (2,)]


def test_keys_of_different_clients_are_different(client: Client, api_key: Any) -> None:
    execute("CREATE TABLE hiring.made (id int)")
    other = Client(headers={"Authorization": f"Api-Key {api_key('ingest')}"})
    headers = {"Idempotency-Key": "mine"}
    for number, one in enumerate([client, other]):
        answer = send(one, "made", [{"id": number}], **headers)
        assert (answer.status_code, "Idempotency-Replayed" in answer.headers) == (201, False)
    assert stored("SELECT id FROM hiring.made ORDER BY id") == [(0,), (1,)]


def test_a_key_replays_the_receipt_of_a_table_that_is_gone(client: Client) -> None:
    execute("CREATE TABLE hiring.made (id int, n int)")
    headers = {"Idempotency-Key": "kept"}

    def try_csv() -> Any:
        return send(client, "made", "id,n\n1,2\n", content_type="text/csv", **headers)

    first = try_csv()
    execute("ALTER TABLE hiring.made DROP COLUMN n")
    assert try_csv().json() == first.json()
    execute("DROP TABLE hiring.made")
    assert try_csv().json() == first.json()
    assert try_csv().headers["Idempotency-Replayed"] == "true"


# Writers with overlapping keys.


@pytest.mark.parametrize("mode", ["reject", "ignore", "update"])
def test_racing_writers_count_every_row_once(run_at_once: Any, mode: str) -> None:
    execute("CREATE TABLE hiring.made (id int PRIMARY KEY, code int UNIQUE, writer int)")

    def job(writer: int) -> Job:
        def write(client: Client) -> list[Any]:
            step = 1 if writer % 2 else -1
            rows = [{"id": i, "code": i, "writer": writer} for i in range(60)][::step]
            return [
                send(client, "made", rows[start : start + 20], f"?on_conflict={mode}")
                for start in (0, 20, 40)
            ]

        return write

    answers = list(itertools.chain(*run_at_once([job(writer) for writer in range(6)])))
    assert {answer.status_code for answer in answers} <= {201, 207, 422}
    inserted = sum(counts(answer)[1] for answer in answers)
    updated = sum(counts(answer)[2] for answer in answers)
    assert sum(map(outcomes, answers)) == 6 * 60
    assert inserted == 60
    assert stored("SELECT count(*) FROM hiring.made") == [(60,)]
    found = {code for a in answers for errors in codes(a.json()).values() for code, _ in errors}
    assert found == ({"duplicate_key"} if mode == "reject" else set())
    assert updated == (5 * 60 if mode == "update" else 0)


@pytest.fixture
def quick_deadlocks() -> Iterator[None]:
    """Have new sessions find deadlocks after a tenth of the usual second."""
    name = Identifier(connection.settings_dict["NAME"])
    execute(SQL("ALTER DATABASE {} SET deadlock_timeout = '100ms'").format(name))
    yield
    execute(SQL("ALTER DATABASE {} RESET deadlock_timeout").format(name))


def test_updates_in_opposite_orders_are_retried(run_at_once: Any, quick_deadlocks: None) -> None:
    execute("CREATE TABLE hiring.made (id int PRIMARY KEY, n int)")
    execute("INSERT INTO hiring.made SELECT i, 0 FROM generate_series(1, 300) i")
    numbers = itertools.count(1)

    def job(step: int) -> Job:
        def write(client: Client) -> list[Any]:
            return [
                send(
                    client,
                    "made",
                    [{"id": i, "n": number} for i in range(1, 301)][::step],
                    "?on_conflict=update",
                )
                for number in itertools.islice(numbers, 4)
            ]

        return write

    answers = list(itertools.chain(*run_at_once([job(1), job(-1), job(1), job(-1)])))
    taken = [answer for answer in answers if answer.status_code == 201]
    assert {answer.status_code for answer in answers} <= {201, 503}
    assert len(taken) >= 8
    assert all(counts(answer) == (300, 0, 300, 0, 0) for answer in taken)
    assert stored("SELECT count(DISTINCT n) FROM hiring.made") == [(1,)]


@pytest.mark.session
def test_a_lock_that_is_held_too_long_answers_503(client: Client, run_at_once: Any) -> None:
    execute("CREATE TABLE hiring.made (id int PRIMARY KEY)")
    headers = {"Idempotency-Key": "patient"}

    def impatient(one: Client) -> Any:
        with connections["ingest"].cursor() as cursor:
            cursor.execute("SET lock_timeout = '50ms'")
        return send(one, "made", [{"id": 1}, {"id": "x"}], **headers)

    with other_session() as session:
        session.execute("BEGIN")
        session.execute("LOCK TABLE hiring.made")
        (answer,) = run_at_once([impatient])
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert stored("SELECT count(*) FROM service.batch") == [(0,)]
    assert stored("SELECT count(*) FROM service.rejection") == [(0,)]
    again = send(client, "made", [{"id": 1}, {"id": "x"}], **headers)
    assert counts(again) == (2, 1, 0, 0, 1)


# Definitions that change.

CHANGES = {
    "add and drop": [
        "ALTER TABLE hiring.made ADD COLUMN extra int",
        "ALTER TABLE hiring.made DROP COLUMN extra",
    ],
    "rename": [
        "ALTER TABLE hiring.made RENAME COLUMN v TO w",
        "ALTER TABLE hiring.made RENAME COLUMN w TO v",
    ],
    "retype": [
        "ALTER TABLE hiring.made ALTER COLUMN v TYPE text",
        "ALTER TABLE hiring.made ALTER COLUMN v TYPE int USING nullif(v, 'x')::int",
    ],
    "constrain": [
        "ALTER TABLE hiring.made ADD CONSTRAINT small CHECK (id < 0) NOT VALID",
        "ALTER TABLE hiring.made DROP CONSTRAINT small",
        "CREATE UNIQUE INDEX made_v ON hiring.made (v) WHERE id < 0",
        "DROP INDEX hiring.made_v",
    ],
    "drop the table": [
        "DROP TABLE hiring.made",
        "CREATE TABLE hiring.made (id int PRIMARY KEY, v int, mood hiring.feeling)",
    ],
    "labels": [
        "ALTER TYPE hiring.feeling RENAME VALUE 'sad' TO 'low'",
        "ALTER TYPE hiring.feeling RENAME VALUE 'low' TO 'sad'",
    ],
    "rename the table": [
        "ALTER TABLE hiring.made RENAME TO gone",
        "ALTER TABLE hiring.gone RENAME TO made",
    ],
}


@pytest.fixture
def feeling(database: None) -> Iterator[None]:
    execute("CREATE TYPE hiring.feeling AS ENUM ('glad', 'sad')")
    yield
    execute("DROP TYPE hiring.feeling CASCADE")


@pytest.mark.usefixtures("feeling")
@pytest.mark.parametrize("change", CHANGES)
def test_definitions_that_change_under_load(run_at_once: Any, change: str) -> None:
    execute("CREATE TABLE hiring.made (id int PRIMARY KEY, v int, mood hiring.feeling)")
    numbers = itertools.count(1)
    is_over = threading.Event()

    def write_once(client: Client) -> Any:
        first = next(numbers)
        rows: list[dict[str, Any]] = [
            {"id": 10 * first + i, "v": i, "mood": "sad"} for i in range(4)
        ]
        rows += [{"id": 10 * first + 5, "v": "x"}, {"id": 10 * first + 6, "mood": "glad"}]
        mode = ("reject", "ignore", "update")[first % 3]
        return send(client, "made", rows, f"?on_conflict={mode}")

    def write(client: Client) -> list[Any]:
        answers: list[Any] = []
        while not is_over.is_set():
            answers.append(write_once(client))
        # The last one finds the table as it was in the beginning.
        return [*answers, write_once(client)]

    def change_definition(client: Client) -> list[Any]:
        try:
            with other_session() as session:
                for statement in CHANGES[change] * 12:
                    session.execute(statement)
        finally:
            is_over.set()
        return []

    written = run_at_once([write, write, change_definition])[:2]
    assert [answers[-1].status_code for answers in written] == [207, 207]
    answers = list(itertools.chain(*written))
    assert {answer.status_code for answer in answers} <= {201, 207, 404, 422, 503}
    receipts = [answer for answer in answers if answer.status_code in {201, 207, 422}]
    assert all(counts(answer)[0] == 6 for answer in receipts)
    if change != "drop the table":
        inserted = sum(counts(answer)[1] for answer in receipts)
        assert stored("SELECT count(*) FROM hiring.made") == [(inserted,)]


def test_a_label_or_column_of_this_moment_is_known(client: Client, feeling: None) -> None:
    execute("CREATE TABLE hiring.made (id int PRIMARY KEY, mood hiring.feeling)")
    row = {"id": 1, "mood": "calm", "note": "x"}
    assert codes(send(client, "made", [row]).json()) == {
        0: [("bad_enum", "mood"), ("unknown_column", "note")]
    }
    execute("ALTER TYPE hiring.feeling ADD VALUE 'calm'")
    execute("ALTER TABLE hiring.made ADD COLUMN note text")
    assert counts(send(client, "made", [row])) == (1, 1, 0, 0, 0)
    execute("ALTER TABLE hiring.made RENAME TO other")
    execute("CREATE TABLE hiring.made (id text)")
    assert counts(send(client, "made", [{"id": "one"}])) == (1, 1, 0, 0, 0)
    execute("ALTER TABLE hiring.made SET SCHEMA public")
    try:
        assert send(client, "made", [{"id": "one"}]).status_code == 404
    finally:
        execute("DROP TABLE public.made")


def test_a_dataset_that_is_dropped_is_unknown(client: Client) -> None:
    names = list(settings.CONFIG.datasets)
    assert names[0] == "hiring"
    execute("CREATE TABLE hiring.made (id int)")
    assert send(client, "hiring.made", [{"id": 1}]).status_code == 201
    execute("ALTER SCHEMA hiring RENAME TO hiding")
    try:
        answer = send(client, "hiring.made", [{"id": 1}])
        assert (answer.status_code, answer.json()["code"]) == (404, "table_unknown")
    finally:
        execute("ALTER SCHEMA hiding RENAME TO hiring")
    assert send(client, "hiring.made", json.dumps([{"id": 2}])).status_code == 201
