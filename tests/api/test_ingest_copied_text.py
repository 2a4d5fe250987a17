"""Text that means something to JSON, CSV or COPY is stored as it was sent."""

import csv
import io
import json

import pytest
from django.test import Client

from tests.api.sending import execute, send, stored

pytestmark = pytest.mark.usefixtures("database")

TEXTS = [
    "plain",
    "null",
    "NULL",
    r"\N",
    r"\.",
    "[1]",
    "],[",
    'said "so"',
    '""',
    "back\\slash",
    'both \\"',
    "tab\there",
    "two\nlines",
    "two\r\nlines",
    "comma, semicolon; 'quote'",
    " spaces ",
    "caf\u00e9 \u6f22\u5b57 \U0001f600",
    "{1,2}",
]


@pytest.fixture
def texts(client: Client) -> Client:
    execute("CREATE TABLE hiring.texts (id integer PRIMARY KEY, one text, other text)")
    return client


def expected() -> list[tuple[int, str, None]]:
    return [(number, text, None) for number, text in enumerate(TEXTS)]


def read_texts() -> list[tuple[int, str, str | None]]:
    return list(stored("SELECT id, one, other FROM hiring.texts ORDER BY id"))


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("together", [True, False])
def test_json_text_is_stored_as_sent(texts: Client, ascii_only: bool, together: bool) -> None:
    rows = [{"id": number, "one": text, "other": None} for number, text in enumerate(TEXTS)]
    for batch in [rows] if together else [[row] for row in rows]:
        answer = send(texts, "texts", json.dumps(batch, ensure_ascii=ascii_only).encode())
        assert answer.status_code == 201, answer.content
    assert read_texts() == expected()


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=ascii)
def test_csv_text_is_stored_as_sent(texts: Client, line_end: str, together: bool) -> None:
    rows = [[number, text, ""] for number, text in enumerate(TEXTS)]
    for batch in [rows] if together else [[row] for row in rows]:
        body = io.StringIO(newline="")
        csv.writer(body, lineterminator=line_end).writerows([["id", "one", "other"], *batch])
        answer = send(texts, "texts", body.getvalue().encode(), content_type="text/csv")
        assert answer.status_code == 201, answer.content
    assert read_texts() == expected()


def test_csv_without_quotes_is_stored_as_sent(texts: Client) -> None:
    body = b"id,one,other\n1,null,\n2,\\.,x\n3,\\N,y\n4, z ,"
    assert send(texts, "texts", body, content_type="text/csv").status_code == 201
    assert read_texts() == [(1, "null", None), (2, r"\.", "x"), (3, r"\N", "y"), (4, " z ", None)]


def test_a_column_that_csv_leaves_empty_gets_its_default(texts: Client) -> None:
    execute("ALTER TABLE hiring.texts ALTER other SET DEFAULT 'none'")
    body = b"id,one,other\n1,a,\n2,,b\n"
    assert send(texts, "texts", body, content_type="text/csv").status_code == 201
    assert read_texts() == [(1, "a", "none"), (2, None, "b")]


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_json_text_is_judged_as_sent(client: Client, ascii_only: bool, together: bool) -> None:
    execute("CREATE TABLE hiring.names (name text PRIMARY KEY)")
    execute("CREATE TABLE hiring.texts (one text PRIMARY KEY, other text REFERENCES hiring.names)")
    known = [[text] for text in TEXTS[::2]]
    assert send(client, "names", [{"name": text} for (text,) in known]).status_code == 201
    shares = [TEXTS] if together else [[text] for text in TEXTS]
    for share in shares:
        rows = [{"one": text, "other": text} for text in share]
        batch = [*rows, *rows, {"one": 1}]
        answer = send(client, "texts", json.dumps(batch, ensure_ascii=ascii_only).encode())
        codes = [
            [error["code"] for error in rejection["errors"]]
            for rejection in answer.json()["rejections"]
        ]
        unknown = sum(text not in TEXTS[::2] for text in share)
        repeated = len(share) - unknown
        assert sorted(codes) == sorted(
            [["duplicate_in_batch"]] * repeated
            + [["fk_violation"]] * 2 * unknown
            + [["type_mismatch"]]
        )
    found = stored('SELECT one, other FROM hiring.texts ORDER BY one COLLATE "C"')
    assert found == sorted((text, text) for (text,) in known)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=ascii)
def test_csv_text_is_judged_as_sent(client: Client, line_end: str) -> None:
    execute("CREATE TABLE hiring.texts (one text PRIMARY KEY)")
    body = io.StringIO(newline="")
    csv.writer(body, lineterminator=line_end).writerows([["one"], *[[text] for text in TEXTS * 2]])
    answer = send(client, "texts", body.getvalue().encode(), content_type="text/csv")
    receipt = answer.json()
    assert [rejection["index"] for rejection in receipt["rejections"]] == list(
        range(len(TEXTS), 2 * len(TEXTS))
    )
    assert stored('SELECT one FROM hiring.texts ORDER BY one COLLATE "C"') == [
        (text,) for text in sorted(TEXTS)
    ]
