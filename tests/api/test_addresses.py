"""Addresses and methods that there are not, HEAD and OPTIONS."""

from typing import Any

import pytest
from django.test import Client

pytestmark = pytest.mark.usefixtures("database")


@pytest.mark.parametrize(
    "address", ["/api/", "/api/nothing", "/api/batches/", "/api/rejections/1/undo", "/nothing"]
)
def test_an_unknown_address_is_a_404_problem(client: Client, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json() == {
        "type": "/docs/errors#not_found",
        "title": "Not Found",
        "status": 404,
        "code": "not_found",
        "detail": "There is nothing at this address",
    }


@pytest.mark.parametrize(
    ("method", "address", "allowed"),
    [
        ("GET", "/api/ingest/employees", "POST, OPTIONS"),
        ("HEAD", "/api/ingest/employees", "POST, OPTIONS"),
        ("PUT", "/api/ingest", "POST, OPTIONS"),
        ("POST", "/api/batches", "GET, HEAD, OPTIONS"),
        ("DELETE", "/api/tables/employees/rows", "GET, HEAD, OPTIONS"),
        ("GET", "/api/tables/employees/rows/1", "DELETE, OPTIONS"),
        ("PATCH", "/api/rejections/1/replay", "POST, OPTIONS"),
    ],
)
def test_another_method_is_a_405_that_says_which_there_are(
    api_key: Any, method: str, address: str, allowed: str
) -> None:
    client = Client(headers={"Authorization": f"Api-Key {api_key('read')}"})
    answer = client.generic(method, address)
    assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_options_tells_anyone_the_methods() -> None:
    answer = Client().options("/api/tables/employees/rows")
    assert (answer.status_code, answer.headers["Allow"]) == (200, "GET, HEAD, OPTIONS")
    assert answer.json() == {"allow": ["GET", "HEAD", "OPTIONS"]}


def test_options_tells_the_methods_of_a_page_too() -> None:
    answer = Client().options("/api/docs")
    assert (answer.status_code, answer.headers["Allow"]) == (200, "GET, HEAD, OPTIONS")


def test_head_answers_as_get_without_the_body(client: Client) -> None:
    got, head = client.get("/api/batches"), client.head("/api/batches")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == got.headers["Content-Length"]
    assert Client().head("/api/batches").status_code == 401
