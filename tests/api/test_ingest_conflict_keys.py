"""Which key settles conflicts: named, composite, partial, of expressions, with nulls."""

from typing import Any

import pytest
from django.test import Client
from psycopg.sql import SQL

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
    # The third row gives the second one's another id.
    assert counts(answer) == (4, 2, 2, 0, 0)
    assert stored("SELECT id, n FROM hiring.made ORDER BY id") == [(1, 2), (2, 5), (3, 4)]


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
    assert counts(answer) == (4, 2, 2, 0, 0)
    assert stored("SELECT live, n FROM hiring.made ORDER BY n") == [
        (False, 2),
        (False, 3),
        (True, 5),
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
    assert counts(answer) == (4, 2, 2, 0, 0)
    assert stored("SELECT * FROM hiring.made ORDER BY 1, 2") == [
        (1, "x", 1),
        (1, "y", 0),
        (1, "z", 1),
        (2, "x", 2),
    ]
    answer = send(client, "made", [{"a": 3}, {"a": 3}])
    assert answer.json()["rejections"][0]["errors"][0] == {
        "code": "duplicate_in_batch",
        "message": "an earlier row of the batch has the same a, b",
        "columns": ["a", "b"],
        "constraint": "made_pkey",
        "first_index": 0,
    }


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
        assert counts(answer) == (3, 1, 0, 2, 0)


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


@pytest.fixture
def cities(client: Client) -> Client:
    """A table without a primary key, with two unique keys; one row."""
    execute("""
        CREATE TABLE hiring.cities (
            city text, name text, code int, n int,
            CONSTRAINT place UNIQUE (city, name), CONSTRAINT code UNIQUE (code))
    """)
    execute("INSERT INTO hiring.cities VALUES ('Bern', 'Ann', 1, 0)")
    return client


@pytest.mark.parametrize("key", ["place", "city,name", "name, city"])
def test_a_key_is_named_by_its_columns_in_any_order(cities: Client, key: str) -> None:
    rows = [{"city": "Bern", "name": "Ann", "n": 1}, {"city": "Bern", "name": "Bob", "n": 1}]
    answer = send(cities, "cities", rows, f"?on_conflict=update&conflict_key={key}")
    assert (answer.status_code, counts(answer)) == (201, (2, 1, 1, 0, 0))


@pytest.mark.parametrize("key", ["", "city", "city,name,code", "city,name"])
def test_what_names_no_single_key_is_told_the_keys_there_are(cities: Client, key: str) -> None:
    execute("CREATE UNIQUE INDEX partly ON hiring.cities (name, city) WHERE n > 0")
    answer = send(cities, "cities", [{"n": 1}], f"?on_conflict=update&conflict_key={key}")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter")
    for known in ("place (city, name)", "partly (name, city)", "code (code)"):
        assert known in answer.json()["detail"]
    assert stored("SELECT n FROM hiring.cities") == [(0,)]


def test_ignore_without_a_key_means_any_key(cities: Client) -> None:
    rows = [
        {"city": "Bern", "name": "Ann", "code": 2},
        {"city": "Bern", "name": "Bob", "code": 1},
        {"city": "Bern", "name": "Cid", "code": 3},
        {"city": "Bern", "name": "Cid", "code": 4},
        {"city": "Oslo", "name": "Dan", "code": 3},
        {"city": "Oslo", "name": "Dan", "code": "x"},
    ]
    answer = send(cities, "cities", rows, "?on_conflict=ignore")
    assert (answer.status_code, counts(answer)) == (207, (6, 1, 0, 4, 1))
    assert stored("SELECT name, code FROM hiring.cities ORDER BY code") == [("Ann", 1), ("Cid", 3)]


def test_a_trigger_that_keeps_rows_out_is_no_conflict_of_any_key(cities: Client) -> None:
    execute("""
        CREATE FUNCTION hiring.keep_out() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN IF new.n < 0 THEN RETURN NULL; END IF; RETURN new; END'
    """)
    execute("""
        CREATE TRIGGER keep_out BEFORE INSERT ON hiring.cities
        FOR EACH ROW EXECUTE FUNCTION hiring.keep_out()
    """)
    try:
        rows = [{"code": 1, "n": 1}, {"code": 2, "n": -1}, {"code": 3, "n": 1}]
        answer = send(cities, "cities", rows, "?on_conflict=ignore")
        assert counts(answer) == (3, 1, 0, 1, 1)
        assert codes(answer.json()) == {1: [("trigger_rejected", None)]}
    finally:
        execute("DROP FUNCTION hiring.keep_out CASCADE")


NEW_EACH_TIME = [
    "id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
    "id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    "id serial PRIMARY KEY",
    "id uuid DEFAULT gen_random_uuid() PRIMARY KEY",
    "id timestamptz DEFAULT now() PRIMARY KEY",
]


@pytest.mark.parametrize("mode", ["ignore", "update"])
@pytest.mark.parametrize("column", NEW_EACH_TIME)
def test_rows_without_a_value_for_the_key_are_refused(
    client: Client, column: str, mode: str
) -> None:
    execute(SQL("CREATE TABLE hiring.made ({}, name text)").format(SQL(column)))
    answer = send(client, "made", [{"name": "x"}, {"name": "y"}], f"?on_conflict={mode}")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (400, "conflict_key_missing")
    assert (problem["key"], problem["columns"]) == ("made_pkey", ["id"])
    assert stored("SELECT * FROM hiring.made") == []
    assert send(client, "made", [{"name": "x"}]).status_code == 201


def test_one_key_that_rows_bring_is_enough_for_ignore(client: Client) -> None:
    execute("CREATE TABLE hiring.made (id serial PRIMARY KEY, code text UNIQUE, n int)")
    for expected in ((2, 2, 0, 0, 0), (2, 0, 0, 2, 0)):
        answer = send(client, "made", [{"code": "a"}, {"code": "b"}], "?on_conflict=ignore")
        assert counts(answer) == expected
    answer = send(client, "made", [{"n": 1}, {"n": 2, "code": None}], "?on_conflict=ignore")
    assert (answer.status_code, answer.json()["code"]) == (400, "conflict_key_missing")
    assert answer.json()["columns"] == ["code", "id"]


def test_a_constant_default_is_a_value_for_the_key(client: Client) -> None:
    execute("CREATE TABLE hiring.made (a int, b text DEFAULT 'x', PRIMARY KEY (a, b))")
    for expected in ((1, 1, 0, 0, 0), (1, 0, 0, 1, 0)):
        assert counts(send(client, "made", [{"a": 1}], "?on_conflict=update")) == expected
