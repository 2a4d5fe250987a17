"""Rows of one batch that meet each other: the outcome is that of rows sent one by one, in order."""

from typing import Any

import pytest
from django.test import Client
from psycopg.sql import SQL

from tests.api.sending import codes, counts, execute, send, stored

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def moved(client: Client) -> Client:
    """A table with a second unique key; two rows."""
    execute("CREATE TABLE hiring.moved (id int PRIMARY KEY, code text UNIQUE, n int DEFAULT 0)")
    execute("INSERT INTO hiring.moved VALUES (1, 'a'), (2, 'b')")
    return client


def moved_rows() -> list[Any]:
    return stored("SELECT id, code, n FROM hiring.moved ORDER BY id")


def test_a_later_row_updates_what_an_earlier_one_stored(moved: Client) -> None:
    rows = [{"id": 3, "code": "c"}, {"id": 4, "n": 1}, {"id": 3, "n": 5}, {"id": 3, "n": 5}]
    answer = send(moved, "moved", rows, "?on_conflict=update")
    assert (answer.status_code, counts(answer)) == (201, (4, 2, 1, 1, 0))
    assert moved_rows()[2:] == [(3, "c", 5), (4, None, 1)]


def test_a_later_row_with_the_key_of_an_earlier_one_is_ignored(moved: Client) -> None:
    # The columns differ, so that they are not written by one statement.
    rows = [{"id": 3, "n": 1}, {"id": 3, "code": "c"}, {"id": 4}, {"id": 3, "n": 2}]
    answer = send(moved, "moved", rows, "?on_conflict=ignore")
    assert (answer.status_code, counts(answer)) == (201, (4, 2, 0, 2, 0))
    assert moved_rows()[2:] == [(3, None, 1), (4, None, 0)]


def test_a_value_that_an_earlier_row_frees_may_be_taken(moved: Client) -> None:
    rows = [{"id": 1, "code": "z"}, {"id": 3, "code": "a"}, {"id": 3, "code": "y"}, {"id": 4}]
    rows += [{"id": 4, "code": "a"}]
    answer = send(moved, "moved", rows, "?on_conflict=update")
    assert (answer.status_code, counts(answer)) == (201, (5, 2, 3, 0, 0))
    assert moved_rows() == [(1, "z", 0), (2, "b", 0), (3, "y", 0), (4, "a", 0)]


def test_a_value_that_only_a_later_row_frees_may_not(moved: Client) -> None:
    rows = [{"id": 3, "code": "a"}, {"id": 1, "code": "z"}, {"id": 2, "code": "a", "n": 1}]
    answer = send(moved, "moved", rows, "?on_conflict=update")
    assert counts(answer) == (3, 0, 2, 0, 1)
    assert codes(answer.json()) == {0: [("duplicate_key", None)]}
    assert moved_rows() == [(1, "z", 0), (2, "a", 1)]


def test_a_rejected_row_frees_no_value_and_takes_none(moved: Client) -> None:
    execute("ALTER TABLE hiring.moved ADD CHECK (n < 10)")
    rows = [
        {"id": 1, "code": "z", "n": 10},
        {"id": 3, "code": "a"},
        {"id": 4, "code": "z"},
        {"id": 4, "code": "y", "n": "x"},
    ]
    answer = send(moved, "moved", rows, "?on_conflict=update")
    assert codes(answer.json()) == {
        0: [("check_violation", "n")],
        1: [("duplicate_key", None)],
        3: [("not_integer", "n")],
    }
    assert moved_rows() == [(1, "a", 0), (2, "b", 0), (4, "z", 0)]


def test_an_ignored_row_takes_no_value(moved: Client) -> None:
    rows = [{"id": 1, "code": "c"}, {"id": 3, "code": "c"}]
    answer = send(moved, "moved", rows, "?on_conflict=ignore&conflict_key=id")
    assert counts(answer) == (2, 1, 0, 1, 0)
    assert moved_rows()[2:] == [(3, "c", 0)]


EQUAL_KEYS: dict[str, tuple[str, list[Any]]] = {
    "blanks at the end": ("k char(3), UNIQUE (k)", ["x", "x ", "y"]),
    "digits after the point": ("k numeric, UNIQUE (k)", ["1.0", "1.00", "2"]),
    "durations": ("k interval, UNIQUE (k)", ["P1M", "P30D", "P1D"]),
    "null": ("k int, UNIQUE NULLS NOT DISTINCT (k)", [None, None, 1]),
}


@pytest.mark.parametrize("kind", EQUAL_KEYS)
@pytest.mark.parametrize("mode", ["ignore", "update"])
def test_keys_are_equal_as_postgresql_says(client: Client, kind: str, mode: str) -> None:
    definition, values = EQUAL_KEYS[kind]
    execute(SQL("CREATE TABLE hiring.made (n int, {})").format(SQL(definition)))
    rows = [{"k": value, "n": n} for n, value in enumerate(values)]
    answer = send(client, "made", rows, f"?on_conflict={mode}&conflict_key=k")
    updated = int(mode == "update")
    assert counts(answer) == (3, 2, updated, 1 - updated, 0)
    assert stored("SELECT n FROM hiring.made ORDER BY n") == [(updated,), (2,)]


def test_rows_swap_a_deferrable_value(client: Client) -> None:
    execute("CREATE TABLE hiring.made (id int PRIMARY KEY, place int UNIQUE DEFERRABLE)")
    execute("INSERT INTO hiring.made VALUES (1, 10), (2, 20), (3, 30)")
    rows = [{"id": 1, "place": 20}, {"id": 4, "place": 30}, {"id": 2, "place": 10}]
    rows += [{"id": 5, "place": 50}, {"id": 6, "place": 50}]
    answer = send(client, "made", rows, "?on_conflict=update")
    assert counts(answer) == (5, 1, 2, 0, 2)
    assert codes(answer.json()) == {
        1: [("duplicate_key", None)],
        4: [("duplicate_key", None)],
    }
    assert stored("SELECT * FROM hiring.made ORDER BY id") == [(1, 20), (2, 10), (3, 30), (5, 50)]


def test_a_swap_whose_other_half_is_rejected_is_none(client: Client) -> None:
    execute("""
        CREATE TABLE hiring.made (
            id int PRIMARY KEY, place int UNIQUE DEFERRABLE INITIALLY DEFERRED, n int CHECK (n > 0))
    """)
    execute("INSERT INTO hiring.made VALUES (1, 10), (2, 20)")
    rows = [{"id": 1, "place": 20}, {"id": 2, "place": 10, "n": 0}]
    answer = send(client, "made", rows, "?on_conflict=update")
    assert codes(answer.json()) == {0: [("duplicate_key", None)], 1: [("check_violation", "n")]}
    assert stored("SELECT id, place FROM hiring.made ORDER BY id") == [(1, 10), (2, 20)]


@pytest.mark.parametrize("mode", ["ignore", "update"])
def test_a_reference_may_be_to_a_row_further_down(client: Client, mode: str) -> None:
    execute("""
        CREATE TABLE hiring.made (
            id int PRIMARY KEY, boss int REFERENCES hiring.made, code text UNIQUE)
    """)
    execute("INSERT INTO hiring.made VALUES (1, NULL, 'a')")
    rows = [
        {"id": 2, "boss": 5, "code": "c"},
        {"id": 1, "code": "z"},
        {"id": 3, "boss": 4},
        {"id": 4, "boss": 3, "code": "a"},
        {"id": 5},
        {"id": 2, "boss": 9},
    ]
    answer = send(client, "made", rows, f"?on_conflict={mode}&conflict_key=id")
    if mode == "ignore":
        # The code 'a' is not free: nothing is updated.
        assert codes(answer.json())[3] == [("duplicate_key", None)]
        return
    assert codes(answer.json()) == {5: [("fk_violation", "boss")]}
    assert stored("SELECT id, boss, code FROM hiring.made ORDER BY id") == [
        (1, None, "z"),
        (2, 5, "c"),
        (3, 4, None),
        (4, 3, "a"),
        (5, None, None),
    ]


def test_rows_that_only_trying_shows_to_be_wrong_keep_the_order(client: Client) -> None:
    execute("CREATE TABLE hiring.made (id int PRIMARY KEY, n int, code text UNIQUE)")
    execute("INSERT INTO hiring.made VALUES (1, 1, 'a')")
    execute("""
        CREATE FUNCTION hiring.refuse() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN IF new.n < 0 THEN RAISE ''no''; END IF; RETURN new; END'
    """)
    execute("""
        CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON hiring.made
        FOR EACH ROW EXECUTE FUNCTION hiring.refuse()
    """)
    try:
        rows = [
            {"id": 2, "n": -1, "code": "b"},
            {"id": 2, "code": "b"},
            {"id": 1, "code": "x", "n": -1},
            {"id": 3, "code": "a"},
            {"id": 2, "n": 7},
        ]
        answer = send(client, "made", rows, "?on_conflict=update")
        assert codes(answer.json()) == {
            0: [("trigger_rejected", None)],
            2: [("trigger_rejected", None)],
            3: [("duplicate_key", None)],
        }
        assert stored("SELECT id, n, code FROM hiring.made ORDER BY id") == [
            (1, 1, "a"),
            (2, 7, "b"),
        ]
    finally:
        execute("DROP FUNCTION hiring.refuse CASCADE")


@pytest.mark.parametrize("first", ["z", 5, "c0"])
def test_every_row_takes_the_value_that_the_row_before_it_frees(moved: Client, first: Any) -> None:
    execute("TRUNCATE hiring.moved")
    execute("INSERT INTO hiring.moved SELECT n, 'c' || n FROM generate_series(0, 49) n")
    rows: list[dict[str, Any]] = [{"id": 1, "code": first}]
    rows += [{"id": n + 1, "code": f"c{n}"} for n in range(1, 49)]
    answer = send(moved, "moved", rows, "?on_conflict=update")
    kept = 49 if first == "z" else 0
    assert counts(answer) == (49, 0, kept, 0, 49 - kept)
    assert stored("SELECT code FROM hiring.moved WHERE id = 49") == [("c48" if kept else "c49",)]
