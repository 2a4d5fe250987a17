"""on_conflict=update with rows that leave required columns out."""

import pytest
from django.test import Client
from psycopg.sql import SQL

from tests.api.sending import codes, counts, execute, send, stored

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def staff(client: Client) -> Client:
    """A table in which most columns are required; two rows."""
    execute("""
        CREATE TABLE hiring.staff (
            id int PRIMARY KEY, name text NOT NULL, job int NOT NULL, city text DEFAULT 'Bern',
            since date NOT NULL, n int CHECK (n < 10), CHECK (job < n))
    """)
    execute("""
        INSERT INTO hiring.staff VALUES
            (1, 'Ann', 1, 'Rome', '2021-01-01', 5), (2, 'Bob', 2, 'Oslo', '2021-01-02', 5)
    """)
    return client


def test_updates_what_a_row_brings_and_nothing_else(staff: Client) -> None:
    rows = [{"id": 1, "name": "Anna"}, {"id": 2, "n": 5}, {"id": 2, "job": 3, "n": 6}]
    answer = send(staff, "staff", rows, "?on_conflict=update")
    assert (answer.status_code, counts(answer)) == (201, (3, 0, 2, 1, 0))
    assert stored("SELECT id, name, job, city, n FROM hiring.staff ORDER BY id") == [
        (1, "Anna", 1, "Rome", 5),
        (2, "Bob", 3, "Oslo", 6),
    ]


@pytest.mark.parametrize("content_type", ["application/json", "text/csv"])
def test_a_row_that_is_not_there_says_what_it_lacks(staff: Client, content_type: str) -> None:
    rows = '[{"id": 1, "n": 6}, {"id": 9, "n": 6}]'
    body = "id,n\n1,6\n9,6\n" if content_type == "text/csv" else rows
    answer = send(staff, "staff", body, "?on_conflict=update", content_type=content_type)
    assert (answer.status_code, counts(answer)) == (207, (2, 0, 1, 0, 1))
    lacking = [("required_missing", name) for name in ("job", "name", "since")]
    assert codes(answer.json()) == {1: lacking}


def test_a_row_may_update_one_that_the_batch_inserts(staff: Client) -> None:
    whole = {"id": 9, "name": "Eve", "job": 1, "since": "2021-01-01"}
    rows = [{"id": 9, "n": 3}, whole, {"id": 9, "n": 7}]
    answer = send(staff, "staff", rows, "?on_conflict=update")
    assert counts(answer) == (3, 1, 1, 0, 1)
    assert set(codes(answer.json())) == {0}
    assert stored("SELECT name, city, n FROM hiring.staff WHERE id = 9") == [("Eve", "Bern", 7)]


def test_the_stored_row_is_what_constraints_are_about(staff: Client) -> None:
    rows = [{"id": 1, "n": 1}, {"id": 2, "n": 3}, {"id": 2, "n": 10}]
    answer = send(staff, "staff", rows, "?on_conflict=update")
    assert codes(answer.json()) == {0: [("check_violation", None)], 2: [("check_violation", "n")]}
    assert stored("SELECT n FROM hiring.staff ORDER BY id") == [(5,), (3,)]


def test_a_required_value_that_is_sent_empty_is_missing_all_the_same(staff: Client) -> None:
    rows = [{"id": 1, "name": ""}, {"id": 2, "job": None}, {"name": "x"}]
    answer = send(staff, "staff", rows, "?on_conflict=update")
    assert codes(answer.json()) == {
        0: [("required_missing", "name")],
        1: [("null_not_allowed", "job")],
        2: [("required_missing", "id")],
    }


@pytest.mark.parametrize("mode", ["reject", "ignore"])
def test_other_modes_ask_for_every_required_column(staff: Client, mode: str) -> None:
    answer = send(staff, "staff", [{"id": 5, "n": 6}], f"?on_conflict={mode}")
    lacking = [("required_missing", name) for name in ("job", "name", "since")]
    assert codes(answer.json()) == {0: lacking}


@pytest.mark.parametrize(
    "index",
    [
        "(a, b)",
        "(lower(a), b)",
        "(a, b) NULLS NOT DISTINCT",
        "(a, b) WHERE live",
    ],
)
def test_any_key_finds_the_stored_row(client: Client, index: str) -> None:
    execute("""
        CREATE TABLE hiring.made (
            a text, b int DEFAULT 7, live boolean DEFAULT true, name text NOT NULL, raw bytea)
    """)
    execute(SQL("CREATE UNIQUE INDEX wanted ON hiring.made {}").format(SQL(index)))
    execute("INSERT INTO hiring.made VALUES ('x', 7, true, 'X'), ('x', 8, true, 'Y')")
    rows = [{"a": "x", "raw": "AA=="}, {"a": "x", "b": 8, "raw": "AQ=="}, {"a": "y", "raw": ""}]
    answer = send(client, "made", rows, "?on_conflict=update&conflict_key=wanted")
    assert counts(answer) == (3, 0, 2, 0, 1)
    assert codes(answer.json()) == {2: [("required_missing", "name")]}
    assert stored("SELECT b, name, raw FROM hiring.made ORDER BY b") == [
        (7, "X", b"\x00"),
        (8, "Y", b"\x01"),
    ]


def test_a_row_of_a_partition_is_found(client: Client) -> None:
    execute("""
        CREATE TABLE hiring.made (id int PRIMARY KEY, name text NOT NULL, n int)
        PARTITION BY RANGE (id)
    """)
    execute("CREATE TABLE hiring.low PARTITION OF hiring.made FOR VALUES FROM (0) TO (10)")
    execute("INSERT INTO hiring.made VALUES (1, 'x', 1)")
    answer = send(client, "made", [{"id": 1, "n": 2}, {"id": 2, "n": 2}], "?on_conflict=update")
    assert counts(answer) == (2, 0, 1, 0, 1)
    assert stored("SELECT * FROM hiring.made") == [(1, "x", 2)]
