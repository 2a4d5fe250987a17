"""POST /api/ingest/{table} with NDJSON bodies."""

import gzip
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from psycopg.sql import SQL

from tests.api.sending import codes, counts, execute, lines, raws, send, stored

pytestmark = pytest.mark.usefixtures("database")

TABLES = {
    "plain": "id int PRIMARY KEY, name text",
    "structured": "id int PRIMARY KEY, name text, doc jsonb, tags text[]",
}


@pytest.fixture(params=TABLES)
def made(client: Client, request: pytest.FixtureRequest) -> Client:
    """A table of plain columns, and one whose values may hold arrays and objects."""
    execute(SQL("CREATE TABLE hiring.made ({})").format(SQL(TABLES[request.param])))
    return client


def send_lines(client: Client, body: str | bytes, query: str = "") -> Any:
    return send(client, "made", body, query, content_type="application/x-ndjson")


def ids() -> list[int]:
    return [number for (number,) in stored("SELECT id FROM hiring.made ORDER BY id")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n", " \n\t\n"])
@pytest.mark.parametrize("last", ["\n", ""])
def test_takes_one_row_a_line(made: Client, end: str, last: str) -> None:
    body = end.join(['{"id": 1, "name": "a"}', '{"name": "b\\n", "id": 2}', '{"id": 3}']) + last
    assert counts(send_lines(made, body)) == (3, 3, 0, 0, 0)
    assert stored("SELECT id, name FROM hiring.made ORDER BY id") == [
        (1, "a"),
        (2, "b\n"),
        (3, None),
    ]


BROKEN = [
    "{",
    "}",
    '{"id": 5',
    '{"id": 5}}',
    '{"id": 5} {"id": 6}',
    '{"id": 5},{"id": 6}',
    '{"id": 5},',
    ',{"id": 5}',
    '[{"id": 5}]x',
    '{"id": 5, }',
    '{"id": 05}',
    '{"id": NaN}',
    "{'id': 5}",
    '{"id": 5} // no',
    '{"id": 5, "name": "a\tb"}',
    '{"id": 5, "name": "\\x"}',
    '{"id": 5, "name": "\\u12"}',
    "nonsense",
    '"',
]
NO_OBJECTS = ["5", "null", '"text"', "[]", '[{"id": 5}]', "true"]


@pytest.mark.parametrize("line", BROKEN + NO_OBJECTS)
def test_a_broken_line_is_rejected_alone(made: Client, line: str) -> None:
    answer = send_lines(made, f'{{"id": 1}}\n\n{line}\n{{"id": 2}}\n')
    code = "bad_json" if line in BROKEN else "row_not_object"
    assert codes(answer.json()) == {1: [(code, None)]}
    assert (lines(answer), ids(), raws()) == ({1: 3}, [1, 2], [line.encode()])
    assert counts(answer) == (3, 2, 0, 0, 1)


def test_lines_that_only_fit_together_are_each_broken(made: Client) -> None:
    for body, broken in [
        ('{"id": 1}\n{"id": 2,\n"name": "x"}\n{"id": 3}', {1, 2}),
        ('{"id": 1},{"id": 2}\n{"id": 3\n}', {0, 1, 2}),
        ('{"id": 1, "name": {}\n{}}\n', {0, 1}),
        ('{"id": 1}, {"id": 2}\n\n{"id": 3}, {"id": 4}', {0, 1}),
        ('[{"id": 1}\n{"id": 2}]', {0, 1}),
        ('[\n{"id": 1},\n{"id": 2}\n]', {0, 1, 3}),
        ('{"id": 1, "name": "a\n{b"}', {0, 1}),
        ('{"id":1,"doc":[{"a":1}\n{"b":2}]}', {0, 1}),
    ]:
        answer = send_lines(made, body, "?dry_run=true")
        found = codes(answer.json())
        assert set(found) == broken, body
        assert {code for errors in found.values() for code, _ in errors} == {"bad_json"}


def test_the_other_faults_of_rows_name_their_lines(made: Client) -> None:
    body = (
        '{"id": 1}\n'
        '{"id": "x", "extra": 1}\r\n'
        "\r\n"
        '  {"id": 1, "name": "\\ud800"}  \n'
        '{"id": 1}\n'
        '{"id": 7, "id": 8}\n'
        '{"id": 9}'
    )
    answer = send_lines(made, body)
    assert codes(answer.json()) == {
        1: [("not_integer", "id"), ("unknown_column", "extra")],
        2: [("bad_unicode", "name"), ("duplicate_in_batch", None)],
        3: [("duplicate_in_batch", None)],
        4: [("duplicate_key_in_object", "id")],
    }
    assert lines(answer) == {1: 2, 2: 4, 3: 5, 4: 6}
    assert ids() == [1, 9]
    assert raws() == [
        b'{"id": "x", "extra": 1}',
        b'{"id": 1, "name": "\\ud800"}',
        b'{"id": 1}',
        b'{"id": 7, "id": 8}',
    ]


def test_deep_and_large_lines(made: Client) -> None:
    limits = settings.CONFIG.ingest
    deep = '{"id": 5, "x": ' + "[" * 5000 + "]" * 5000 + "}"
    large = '{"id": 6, "name": "' + "x" * limits.max_row_bytes + '"}'
    answer = send_lines(made, f'{deep}\n{large}\n{{"id": 7}}')
    assert codes(answer.json()) == {
        0: [("json_too_deep", None)],
        1: [("row_too_large", None)],
    }
    assert raws() == [deep.encode(), large.encode()[: limits.max_raw_bytes]]
    assert stored('SELECT raw_bytes FROM service.rejection ORDER BY "index"') == [
        (len(deep),),
        (len(large),),
    ]
    assert ids() == [7]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'\xef\xbb\xbf{"id": 1}', "json_bom"),
        (b'{"id": 1}\n\xff\n', "bad_utf8"),
        (b"\n \n", "body_empty"),
        (b'{"id": ' + b"1" * 2000 + b"}", "number_too_long"),
    ],
)
def test_refuses_the_whole_body(made: Client, body: bytes, code: str) -> None:
    answer = send_lines(made, body)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert ids() == []


def test_undoes_gzip(made: Client) -> None:
    answer = made.generic(
        "POST",
        "/api/ingest/made",
        gzip.compress(b'{"id": 1}\r\n{"id": }\r\n{"id": 2}'),
        "application/x-ndjson",
        headers={"Content-Encoding": "gzip"},
    )
    assert (codes(answer.json()), lines(answer)) == ({1: [("bad_json", None)]}, {1: 2})
    assert ids() == [1, 2]


def test_the_line_separator_of_unicode_ends_no_line(made: Client) -> None:
    assert counts(send_lines(made, '{"id": 1, "name": "a\u2028b\x7f\u0085"}')) == (1, 1, 0, 0, 0)
    assert stored("SELECT name FROM hiring.made") == [("a\u2028b\x7f\u0085",)]
