"""Requests that know no session are answered past the middleware of pages, and still as any is."""

import logging
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import resolve

from apis.open311 import methods
from tests.api.sending import send

pytestmark = pytest.mark.usefixtures("database")

METHODS = {"method": "open311.where.getList"}


ADDRESSES = [*sorted(settings.SESSIONLESS_ADDRESSES), settings.COOKIELESS_ADDRESS]


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_has_a_view_that_asks_for_no_form_s_token(address: str) -> None:
    assert getattr(resolve(address).func, "csrf_exempt", False)


def test_a_session_is_neither_read_nor_named() -> None:
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = "a session"
    answer = client.get("/open311/api", METHODS)
    assert answer.status_code == 200
    assert not hasattr(answer.wsgi_request, "session")
    assert answer.headers["Vary"] == "Authorization"


@pytest.mark.parametrize("method", ["OPTIONS", "GET", "PUT", "PATCH", "DELETE", "HEAD"])
@pytest.mark.parametrize("address", [*ADDRESSES, "/api/ingest/hiring.jobs"])
def test_other_methods_are_answered_alike_with_and_without_a_cookie(
    client: Client, address: str, method: str
) -> None:
    without = client.generic(method, address)
    client.cookies["other"] = "a cookie"
    with_one = client.generic(method, address)
    assert without.status_code == with_one.status_code < 500
    assert without.content == with_one.content
    assert without.headers == with_one.headers


@pytest.mark.parametrize("table", ["hiring.departments", "hiring.nothing", "other/thing", ""])
def test_a_batch_is_answered_alike_with_and_without_a_cookie(client: Client, table: str) -> None:
    rows = [{"id": 1, "department": "Quality"}, {"id": "x"}]
    without = send(client, table, rows, "?dry_run=true")
    client.cookies["other"] = "a cookie"
    with_one = send(client, table, rows, "?dry_run=true")
    assert not hasattr(without.wsgi_request, "session")
    assert hasattr(with_one.wsgi_request, "session")
    assert without.status_code == with_one.status_code
    for answer in [without, with_one]:
        assert answer.headers["Content-Length"] == str(len(answer.content))
        del answer.headers["Content-Length"]  # the time taken is part of the receipt
    assert without.headers == with_one.headers
    assert without.json().get("code") == with_one.json().get("code")


def test_another_host_s_name_is_refused() -> None:
    client = Client()
    assert client.get("/open311/api", METHODS, headers={"Host": "localhost"}).status_code == 200
    answer = client.get("/open311/api", METHODS, headers={"Host": "elsewhere.example"})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_host")


def test_a_request_is_logged_with_its_route(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="rowhouse.request"):
        answer = Client().get("/open311/api", METHODS)
    (line,) = [record for record in caplog.records if record.name == "rowhouse.request"]
    assert (line.route, line.open311) == ("open311/api", "open311.where.getList")  # type: ignore[attr-defined]
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_what_goes_wrong_is_answered_as_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(call: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setitem(methods.METHODS, "open311.where.getList", fail)
    answer = Client(raise_request_exception=False).get("/open311/api", METHODS)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
