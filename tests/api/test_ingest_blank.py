"""A required text of white space alone is a missing value, in every format and every way."""

import json
from typing import Any

import pytest
from django.test import Client

from tests.api.sending import codes, counts, execute, send, stored

pytestmark = pytest.mark.usefixtures("made_things")

COLUMNS = ("words", "short", "fixed", "known", "titled")
BLANKS = [" ", "\t \n", "\u00a0", "\u2003\u3000", "\u0085", "\x1f", "\u1680", "\u205f \u2028"]
# What only looks empty is a value.
TEXTS = [" x ", "\u200b", "\ufeff", "\u180e", "日本", "が", "é", "\x7f", "\u2060"]


@pytest.fixture
def made(client: Client) -> Client:
    """Return a client; hiring.made has a required column of each type of text, and two others."""
    execute("""
        CREATE DOMAIN hiring.title AS varchar(9);
        CREATE TABLE hiring.made (
            id int PRIMARY KEY, words text NOT NULL, short varchar(9) NOT NULL,
            fixed char(3) NOT NULL, known name NOT NULL, titled hiring.title NOT NULL,
            free text, given text NOT NULL DEFAULT 'x')
    """)
    return client


def rows_with(texts: list[str]) -> list[dict[str, Any]]:
    """Return a row for each text and required column."""
    return [
        {"id": at} | dict.fromkeys(COLUMNS, "w") | {name: text, "free": text, "given": text}
        for at, (text, name) in enumerate((text, name) for text in texts for name in COLUMNS)
    ]


def send_as(client: Client, form: str, rows: list[dict[str, Any]], query: str) -> Any:
    """Send rows in a format."""
    if form == "csv":
        lines = [",".join(f'"{value}"' for value in row.values()) for row in rows]
        body = "\n".join([",".join(rows[0]), *lines])
        return send(client, "made", body, query, content_type="text/csv")
    texts = [json.dumps(row, ensure_ascii=bool(at % 2)) for at, row in enumerate(rows)]
    if form == "ndjson":
        body = "\n".join(texts)
        return send(client, "made", body, query, content_type="application/x-ndjson")
    return send(client, "made", f"[{','.join(texts)}]", query)


@pytest.mark.parametrize("query", ["", "?on_conflict=update"])
@pytest.mark.parametrize("form", ["json", "ndjson", "csv"])
def test_white_space_alone_is_no_value_where_one_is_required(
    made: Client, form: str, query: str
) -> None:
    for texts in (BLANKS, [*TEXTS, *BLANKS]):  # alone, and beside good rows
        rows = rows_with(texts)
        answer = send_as(made, form, rows, query)
        expected = {
            row["id"]: [("required_missing", name)]
            for row in rows
            for name in COLUMNS
            if row[name] in BLANKS
        }
        assert codes(answer.json()) == expected
    good = rows_with(TEXTS)
    assert stored("SELECT words, free, given FROM hiring.made ORDER BY id") == [
        (row["words"], row["free"], row["given"]) for row in good
    ]


@pytest.mark.parametrize("form", ["json", "ndjson", "csv"])
def test_white_space_is_a_value_where_none_is_required(client: Client, form: str) -> None:
    execute("CREATE TABLE hiring.made (id int PRIMARY KEY, free text, given text DEFAULT 'x')")
    rows = [{"id": at, "free": text, "given": text} for at, text in enumerate(BLANKS)]
    assert counts(send_as(client, form, rows, ""))[:2] == (len(rows), len(rows))
    assert stored("SELECT free, given FROM hiring.made ORDER BY id") == [(t, t) for t in BLANKS]
