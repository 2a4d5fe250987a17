"""Requests of one API key: so many a minute, in all processes together."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import msgspec
import pytest
from django.conf import settings
from django.db import connections
from django.test import Client
from pytest_django import Settings

from project.http.access.throttling import admit_request, forget_shares
from project.http.errors import TooManyRequests
from tests.api.sending import execute, send, stored
from tests.conftest import KeyMaker, Publish

pytestmark = pytest.mark.usefixtures("database")

T = TypeVar("T")


def set_limit(settings: Settings, limit: int) -> None:
    http = msgspec.structs.replace(settings.CONFIG.http, requests_per_minute=limit)
    settings.CONFIG = msgspec.structs.replace(settings.CONFIG, http=http)


@pytest.fixture(autouse=True)
def no_shares() -> None:
    forget_shares()


def in_one_minute(act: Callable[[], T]) -> T:
    """Return what an act returns that began and ended in the same minute of the database."""
    while True:
        execute("DELETE FROM service.key_usage")
        forget_shares()
        began = stored("SELECT date_trunc('minute', statement_timestamp())")
        result = act()
        if stored("SELECT date_trunc('minute', statement_timestamp())") == began:
            return result


def holder(key: str) -> Client:
    return Client(headers={"Authorization": f"Api-Key {key}"})


def test_a_request_beyond_the_limit_is_answered_429(api_key: KeyMaker, settings: Settings) -> None:
    set_limit(settings, 3)
    client = holder(api_key("read", "ingest"))
    answers: list[Any] = in_one_minute(lambda: [client.get("/api/batches") for _ in range(5)])
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert answers[3].json()["code"] == "too_many_requests"
    assert 1 <= int(answers[3]["Retry-After"]) <= 60
    assert send(client, "jobs", [{"job_id": 1, "job_name": "Clerk"}]).status_code == 429
    assert stored("SELECT * FROM hiring.jobs") == []


def test_each_key_has_its_own_requests(api_key: KeyMaker, settings: Settings) -> None:
    set_limit(settings, 1)
    first, second = holder(api_key("read")), holder(api_key("read"))
    answers = in_one_minute(
        lambda: [client.get("/api/batches").status_code for client in (first, first, second)]
    )
    assert answers == [200, 429, 200]


def test_the_next_minute_begins_anew(api_key: KeyMaker, settings: Settings) -> None:
    set_limit(settings, 1)
    client = holder(api_key("read"))
    assert in_one_minute(lambda: [client.get("/api/batches").status_code for _ in range(2)]) == [
        200,
        429,
    ]
    execute("UPDATE service.key_usage SET minute = minute - interval '1 minute'")
    forget_shares()
    assert client.get("/api/batches").status_code == 200


def test_without_a_limit_nothing_is_counted(api_key: KeyMaker) -> None:
    assert settings.CONFIG.http.requests_per_minute is None
    assert holder(api_key("read")).get("/api/batches").status_code == 200
    assert stored("SELECT * FROM service.key_usage") == []


def test_open311_answers_429_in_its_own_shape(
    api_key: KeyMaker, settings: Settings, publish: Publish
) -> None:
    set_limit(settings, 1)
    publish(open311=False)
    client = holder(api_key("read"))
    address = "/open311/api?method=open311.services.getList"
    answers: list[Any] = in_one_minute(lambda: [client.get(address) for _ in range(2)])
    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[1].json()["error"]["code"] == "too_many_requests"
    assert "Retry-After" in answers[1]


@pytest.mark.parametrize("limit", [7, 450])
def test_no_more_pass_than_the_limit_however_many_processes_count(limit: int) -> None:
    def admit(_: int) -> int:
        passed = 0
        for turn in range(100):
            if turn % 10 == 0:
                forget_shares()  # as a process that knows nothing of the others
            try:
                admit_request("prefix", limit)
            except TooManyRequests:
                continue
            passed += 1
        connections.close_all()
        return passed

    def admit_in_threads() -> int:
        with ThreadPoolExecutor(8) as pool:
            return sum(pool.map(admit, range(8)))

    # A forgotten share is lost: at most nine tenths of each share of a hundredth.
    assert limit // 10 <= in_one_minute(admit_in_threads) <= limit
