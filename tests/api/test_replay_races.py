"""One rejection in the hands of many: its row is stored once."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg
import pytest
from django.db import connection, connections
from django.test import Client

from ingest.models import Batch, Rejection
from tests.api.replaying import bulk, reject, replay
from tests.api.sending import execute, stored
from tests.api.tables import employee

pytestmark = pytest.mark.usefixtures("database")


@contextmanager
def another_connection() -> Iterator[psycopg.Connection]:
    settings = connection.get_connection_params()
    names = ("host", "port", "dbname", "user", "password")
    with psycopg.connect(**{name: settings[name] for name in names if name in settings}) as other:
        yield other


def together(count: int, act: Callable[[], Any]) -> list[Any]:
    barrier = threading.Barrier(count)

    def run(_: int) -> Any:
        barrier.wait()
        try:
            return act()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_of_many_replays_of_one_rejection_exactly_one_stores_the_row(hiring: Client) -> None:
    execute("CREATE TABLE hiring.log (entry text NOT NULL)")
    for _ in range(5):
        (identifier,) = reject(hiring, {"entry": 1}, table="log")
        answers = together(6, partial(replay, hiring, identifier, {"entry": "x"}))
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses == [201, 409, 409, 409, 409, 409]
    assert stored("SELECT count(*) FROM hiring.log") == [(5,)]


def test_concurrent_bulk_replays_store_each_row_once(hiring: Client) -> None:
    execute("CREATE TABLE hiring.log (entry integer NOT NULL)")
    reject(hiring, *[{"entry": "x"} for _ in range(300)], table="log")
    execute("ALTER TABLE hiring.log ALTER entry TYPE text")
    summaries = [answer.json() for answer in together(4, partial(bulk, hiring, "?table=log"))]
    assert sum(summary["replayed"] for summary in summaries) == 300
    for one in summaries:
        skipped = sum(one["skipped"].values())
        assert one["matched"] == one["replayed"] + one["rejected"] + skipped
    assert stored("SELECT count(*) FROM hiring.log") == [(300,)]
    assert not Rejection.objects.exclude(state="replayed").exists()


def test_a_rejection_in_another_request_s_hands_is_busy(hiring: Client) -> None:
    (identifier,) = reject(hiring, employee(1, job_id=...))
    with another_connection() as other:
        other.execute("SELECT FROM service.rejection WHERE id = %s FOR UPDATE", [identifier])
        answer = replay(hiring, identifier, employee(1))
        summary = bulk(hiring).json()
    assert (answer.status_code, answer.json()["code"]) == (409, "rejection_busy")
    assert summary["skipped"] == {"rejection_busy": 1}
    assert replay(hiring, identifier, employee(1)).status_code == 201


def test_a_replay_that_cannot_commit_leaves_row_and_rejection_untouched(hiring: Client) -> None:
    (identifier,) = reject(hiring, employee(1, job_id=...))
    execute(
        "CREATE FUNCTION service.refuse_close() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION USING ERRCODE = '53100'; END $$"
    )
    execute(
        "CREATE TRIGGER refuse BEFORE UPDATE ON service.rejection"
        " FOR EACH ROW EXECUTE FUNCTION service.refuse_close()"
    )
    try:
        answer = replay(hiring, identifier, employee(1))
    finally:
        execute("DROP TRIGGER refuse ON service.rejection")
        execute("DROP FUNCTION service.refuse_close()")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert stored("SELECT employee_id FROM hiring.employees") == []
    assert Rejection.objects.get(pk=identifier).state == "open"
    assert Batch.objects.filter(format="replay").count() == 0
