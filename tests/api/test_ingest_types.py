"""Every PostgreSQL type a dataset may use: what is stored, exactly, and what is refused."""

from typing import Any

import pytest
from django.test import Client
from psycopg.sql import SQL

from tests.api.sending import codes, execute, send, stored
from tests.api.typed_values import ACCEPTED, REFUSED

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def typed(client: Client) -> Any:
    execute("CREATE TYPE hiring.mood AS ENUM ('happy', 'sad')")
    execute("CREATE DOMAIN hiring.positive AS integer CHECK (VALUE > 0)")
    execute("CREATE TYPE hiring.reading AS (n int, name text, r real, d double precision)")
    execute("CREATE DOMAIN hiring.share AS real CHECK (VALUE < 1 OR VALUE > 9)")
    yield client
    execute("DROP TYPE hiring.mood CASCADE")
    execute("DROP DOMAIN hiring.positive CASCADE")
    execute("DROP DOMAIN hiring.share CASCADE")
    execute("DROP TYPE hiring.reading CASCADE")


def make_table(type_name: str) -> None:
    """Make hiring.made with a column of the type."""
    statement = "CREATE TABLE hiring.made (id int PRIMARY KEY, v {})"
    execute(SQL(statement).format(SQL(type_name)))


def read_values(type_name: str) -> list[Any]:
    """Return the rows of hiring.made with their values as text."""
    cast = "v::text" if type_name != "char(3)" else "rtrim(v)"
    return stored(SQL("SELECT id, {} FROM hiring.made ORDER BY id").format(SQL(cast)))


def body(values: list[str]) -> str:
    rows = [f'{{"id": {i}, "v": {value}}}' for i, value in enumerate(values)]
    return f"[{','.join(rows)}]"


@pytest.mark.parametrize(("type_name", "cases"), ACCEPTED, ids=[name for name, _ in ACCEPTED])
def test_stores_values_exactly(typed: Client, type_name: str, cases: list[Any]) -> None:
    make_table(type_name)
    answer = send(typed, "made", body([value for value, _ in cases] + ["null"]))
    assert answer.status_code == 201, answer.json()
    expected = [(i, text) for i, (_, text) in enumerate(cases)] + [(len(cases), None)]
    assert read_values(type_name) == expected


@pytest.mark.parametrize(("type_name", "cases"), REFUSED, ids=[name for name, _ in REFUSED])
def test_refuses_values_and_stores_the_rest(
    typed: Client, type_name: str, cases: list[Any]
) -> None:
    make_table(type_name)
    answer = send(typed, "made", body(["null"] + [value for value, _ in cases]))
    receipt = answer.json()
    assert answer.status_code == 207, receipt
    assert codes(receipt) == {i: [(code, "v")] for i, (_, code) in enumerate(cases, 1)}
    assert stored("SELECT id FROM hiring.made") == [(0,)]


@pytest.mark.parametrize(("type_name", "cases"), ACCEPTED, ids=[name for name, _ in ACCEPTED])
def test_csv_stores_what_postgresql_prints(typed: Client, type_name: str, cases: list[Any]) -> None:
    make_table(type_name)
    texts = [text for _, text in cases if text]
    quoted = ['"' + text.replace('"', '""') + '"' for text in texts]
    csv = "id,v\n" + "".join(f"{i},{text}\n" for i, text in enumerate(quoted)) + f"{len(texts)},\n"
    if type_name in {"timetz", "timestamptz", "tstzrange", "money"}:
        csv = csv.replace("$", "")
    answer = send(typed, "made", csv.encode(), content_type="text/csv")
    assert answer.status_code == 201, answer.json()
    expected = [(i, text) for i, text in enumerate(texts)] + [(len(texts), None)]
    assert read_values(type_name) == expected


def test_a_nested_value_is_shown_as_json(client: Client) -> None:
    make_table("text")
    answer = send(client, "made", body(['{"a": [1.10, null, true, "é"], "b": 1e400}', "[[]]"]))
    errors = [one["errors"][0] for one in answer.json()["rejections"]]
    texts = ['{"a": [1.10, null, true, "é"], "b": 1e400}', "[[]]"]
    assert [error["value"] for error in errors] == texts
    assert [error["message"] for error in errors] == [
        f"v: expected a string, got {text}" for text in texts
    ]
