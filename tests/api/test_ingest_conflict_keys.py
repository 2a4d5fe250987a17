"""Which key settles conflicts: named, composite, partial, of expressions, with nulls."""

from typing import Any

import pytest
from django.test import Client

from tests.api.sending import codes, counts, execute, send, stored

pytestmark = pytest.mark.usefixtures("database")


MODES = ["reject", "ignore", "update"]


KEYS = {
    "a named constraint": ("CONSTRAINT wanted UNIQUE (code)", None),
    "a unique index": ("", "CREATE UNIQUE INDEX wanted ON hiring.made (code)"),
    "an expression": ("", "CREATE UNIQUE INDEX wanted ON hiring.made (lower(code))"),
    "a partial index": ("", "CREATE UNIQUE INDEX wanted ON hiring.made (code) WHERE live"),
    "a partial expression": (
        "",
        "CREATE UNIQUE INDEX wanted ON hiring.made (lower(code)) WHERE (live AND n > 0)",
    ),
    "an including index": (
        "",
        "CREATE UNIQUE INDEX wanted ON hiring.made (code) INCLUDE (n)",
    ),
}


@pytest.mark.parametrize("key", KEYS)
def test_settles_conflicts_on_a_named_key(client: Client, key: str) -> None:
    constraint, index = KEYS[key]
    execute(
        "CREATE TABLE hiring.made (id int PRIMARY KEY, code text, n int, live boolean"
        f"{', ' * bool(constraint)}{constraint})"
    )
    if index:
        execute(index)
    execute("INSERT INTO hiring.made VALUES (1, 'a', 1, true)")
    rows = [
        {"id": 1, "code": "a", "n": 2, "live": True},
        {"id": 2, "code": "b", "n": 3, "live": True},
        {"id": 3, "code": "b", "n": 4, "live": True},
        {"id": 2, "code": "c", "n": 5, "live": True},
    ]
    query = "?on_conflict=update&conflict_key=wanted"
    answer = send(client, "made", rows, query)
    assert counts(answer) == (4, 1, 1, 0, 2)
    errors = [one["errors"] for one in answer.json()["rejections"]]
    assert [(e["code"], e["first_index"], e["constraint"]) for (e,) in errors] == [
        ("duplicate_in_batch", 1, "wanted"),
        ("duplicate_in_batch", 1, "made_pkey"),
    ]
    assert stored("SELECT id, n FROM hiring.made ORDER BY id") == [(1, 2), (2, 3)]


def test_rows_outside_a_partial_index_have_no_conflict(client: Client) -> None:
    execute("CREATE TABLE hiring.made (code text, live boolean DEFAULT true, n int)")
    execute("CREATE UNIQUE INDEX wanted ON hiring.made (code) WHERE live")
    execute("INSERT INTO hiring.made VALUES ('a', true, 1)")
    rows: list[dict[str, Any]] = [
        {"code": "a", "live": False, "n": 2},
        {"code": "a", "live": False, "n": 3},
        {"code": "a", "n": 4},
        {"code": "a", "live": True, "n": 5},
    ]
    answer = send(client, "made", rows, "?on_conflict=update&conflict_key=wanted")
    assert counts(answer) == (4, 2, 1, 0, 1)
    assert answer.json()["rejections"][0]["errors"][0]["first_index"] == 2
    assert stored("SELECT live, n FROM hiring.made ORDER BY n") == [
        (False, 2),
        (False, 3),
        (True, 4),
    ]


def test_an_expression_key_lets_the_columns_it_reads_be_updated(client: Client) -> None:
    execute("CREATE TABLE hiring.made (email text)")
    execute("CREATE UNIQUE INDEX wanted ON hiring.made (lower(email))")
    execute("INSERT INTO hiring.made VALUES ('ann@x.org')")
    query = "?on_conflict=update&conflict_key=wanted"
    answer = send(client, "made", [{"email": "Ann@x.org"}], query)
    assert counts(answer) == (1, 0, 1, 0, 0)
    assert stored("SELECT email FROM hiring.made") == [("Ann@x.org",)]


def test_composite_keys_conflict_as_a_whole(client: Client) -> None:
    execute("CREATE TABLE hiring.made (a int, b text DEFAULT 'x', n int, PRIMARY KEY (a, b))")
    execute("INSERT INTO hiring.made VALUES (1, 'x', 0), (1, 'y', 0)")
    rows: list[dict[str, Any]] = [
        {"a": 1, "n": 1},
        {"a": 1, "b": "z", "n": 1},
        {"a": 2, "b": "x", "n": 1},
        {"a": 2, "n": 2},
    ]
    answer = send(client, "made", rows, "?on_conflict=update")
    assert counts(answer) == (4, 2, 1, 0, 1)
    assert answer.json()["rejections"][0]["errors"][0] == {
        "code": "duplicate_in_batch",
        "message": "an earlier row of the batch has the same a, b",
        "columns": ["a", "b"],
        "constraint": "made_pkey",
        "first_index": 2,
    }
    assert stored("SELECT * FROM hiring.made ORDER BY 1, 2") == [
        (1, "x", 1),
        (1, "y", 0),
        (1, "z", 1),
        (2, "x", 1),
    ]


@pytest.mark.parametrize("nulls", ["DISTINCT", "NOT DISTINCT"])
def test_keys_with_nulls(client: Client, nulls: str) -> None:
    execute(
        "CREATE TABLE hiring.made (id int PRIMARY KEY, a int, b int,"
        f" CONSTRAINT wanted UNIQUE NULLS {nulls} (a, b))"
    )
    execute("INSERT INTO hiring.made VALUES (1, 5, NULL)")
    rows = [{"id": 1, "a": 5, "b": None}, {"id": 2, "a": 6}, {"id": 3, "a": 6, "b": None}]
    answer = send(client, "made", rows, "?on_conflict=ignore&conflict_key=wanted")
    if nulls == "DISTINCT":
        assert counts(answer) == (3, 2, 0, 0, 1)
        assert codes(answer.json()) == {0: [("duplicate_key", None)]}
    else:
        assert counts(answer) == (3, 1, 0, 1, 1)
        assert codes(answer.json()) == {2: [("duplicate_in_batch", None)]}


def test_an_update_may_leave_out_a_key_whose_nulls_are_equal(client: Client) -> None:
    execute(
        "CREATE TABLE hiring.made (id int PRIMARY KEY, n int, code int,"
        " UNIQUE NULLS NOT DISTINCT (code))"
    )
    execute("INSERT INTO hiring.made VALUES (1, 0, 1), (2, 0, 2)")
    answer = send(client, "made", [{"id": 1, "n": 1}, {"id": 2, "n": 1}], "?on_conflict=update")
    assert counts(answer) == (2, 0, 2, 0, 0)
    answer = send(client, "made", [{"id": 3}, {"id": 4}], "?on_conflict=update")
    assert codes(answer.json()) == {1: [("duplicate_key", None)]}
    assert stored("SELECT * FROM hiring.made ORDER BY id") == [
        (1, 1, 1),
        (2, 1, 2),
        (3, None, None),
    ]


@pytest.mark.parametrize("mode", ["ignore", "update"])
def test_a_table_needs_a_key_that_can_settle_conflicts(client: Client, mode: str) -> None:
    execute("CREATE TABLE hiring.made (id int, code int UNIQUE DEFERRABLE)")
    for query in ("", "&conflict_key=made_code_key", "&conflict_key=nothing"):
        answer = send(client, "made", [{"id": 1}], f"?on_conflict={mode}{query}")
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter")
        assert answer.json()["parameter"] == "conflict_key"
    assert stored("SELECT * FROM hiring.made") == []
