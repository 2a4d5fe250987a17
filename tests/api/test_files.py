"""POST /api/files/inspect."""

from typing import Any

import pytest
from django.test import Client

pytestmark = pytest.mark.usefixtures("database")


def inspect(client: Client, body: bytes, query: str = "") -> Any:
    return client.post(
        f"/api/files/inspect{query}",
        body,
        content_type="application/octet-stream",
        CONTENT_LENGTH=str(len(body)),
    )


def test_answers_what_a_file_is(client: Client) -> None:
    answer = inspect(client, b"id;day\n1;25/12/2021\n2;01/02/2022\n", "?name=a.csv")
    assert answer.status_code == 200
    found = answer.json()
    assert (found["file"], found["format"], found["delimiter"]) == ("a.csv", "csv", ";")
    assert [(each["name"], each["type"], each["format"]) for each in found["columns"]] == [
        ("id", "integer", None),
        ("day", "date", "%d/%m/%Y"),
    ]
    assert (found["key"], found["rows_estimate"], found["problems"]) == (["id"], 2, [])


def test_the_beginning_of_a_file_is_enough(client: Client) -> None:
    found = inspect(client, b"id,name\n1,a\n2,b\n3,cut of", "?bytes=1000").json()
    assert (found["is_whole"], found["columns"][1]["examples"]) == (False, ["a", "b"])


@pytest.mark.parametrize(
    ("body", "query", "status", "code"),
    [
        (b"", "", 400, "body_empty"),
        (b"a\n1\n", "?bytes=x", 400, "bad_parameter"),
        (b"a\n1\n", "?nope=1", 400, "bad_parameter"),
        (b"PAR1\x15\x04", "", 422, "file_not_text"),
        (b"\x1f\x8b\x08\x00nope", "", 422, "file_damaged"),
    ],
)
def test_refuses_what_is_no_file(
    client: Client, body: bytes, query: str, status: int, code: str
) -> None:
    answer = inspect(client, body, query)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
