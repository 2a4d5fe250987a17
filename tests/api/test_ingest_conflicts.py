"""POST /api/ingest/{table} with on_conflict, conflict_key, atomic and dry_run."""

from typing import Any

import pytest
from django.test import Client
from psycopg.sql import SQL

from ingest.writing.statements import RETURNING_OLD_SINCE
from tests.api.sending import codes, counts, execute, send, stored

pytestmark = pytest.mark.usefixtures("database")


MODES = ["reject", "ignore", "update"]


@pytest.fixture
def people(client: Client) -> Client:
    """A table with a primary key, a unique code, a plain column and a default; one row."""
    execute("""
        CREATE TABLE hiring.people (
            id int PRIMARY KEY, code text UNIQUE, name text, city text DEFAULT 'Bern',
            CHECK (name <> 'nobody'))
    """)
    execute("INSERT INTO hiring.people VALUES (1, 'a', 'Ann', 'Rome')")
    return client


def people_rows() -> list[Any]:
    return stored("SELECT id, code, name, city FROM hiring.people ORDER BY id")


def test_ignore_leaves_the_row_that_has_the_key(people: Client) -> None:
    rows = [{"id": 1, "code": "x", "name": "Other"}, {"id": 2, "code": "b", "name": "Bob"}]
    answer = send(people, "people", rows, "?on_conflict=ignore")
    assert (answer.status_code, counts(answer)) == (201, (2, 1, 0, 1, 0))
    assert people_rows() == [(1, "a", "Ann", "Rome"), (2, "b", "Bob", "Bern")]


def test_update_changes_only_the_columns_a_row_brings(people: Client) -> None:
    execute("INSERT INTO hiring.people VALUES (2, 'b', 'Bob', 'Oslo'), (3, 'c', 'Cid', 'Lima')")
    rows = [
        {"id": 1, "name": "Anna"},
        {"id": 2, "code": "bb"},
        {"id": 3},
        {"id": 4, "city": None},
        {"id": 5, "name": "Eve"},
    ]
    answer = send(people, "people", rows, "?on_conflict=update")
    assert (answer.status_code, counts(answer)) == (201, (5, 2, 2, 1, 0))
    assert people_rows() == [
        (1, "a", "Anna", "Rome"),
        (2, "bb", "Bob", "Oslo"),
        (3, "c", "Cid", "Lima"),
        (4, None, None, None),
        (5, None, "Eve", "Bern"),
    ]


def test_update_from_csv_leaves_what_an_empty_field_would_set(people: Client) -> None:
    body = "id,name,city\n1,,Paris\n"
    answer = send(people, "people", body, "?on_conflict=update", content_type="text/csv")
    assert counts(answer) == (1, 0, 1, 0, 0)
    assert people_rows() == [(1, "a", "Ann", "Paris")]


UNCHANGED = [
    ("json", """'{"a": 1}'""", '{"a": 1}'),
    ("jsonb", """'{"a": 1, "b": 2}'""", '{"b": 2, "a": 1}'),
    ("numeric", "1.0", "1.0"),
    ("numeric(6,2)", "1.50", "1.5"),
    ("interval", "'1 mon'", '"P1M"'),
    ("integer[]", "'{1,NULL,3}'", "[1, null, 3]"),
    ("text[]", "'{a,b}'", '["a", "b"]'),
    ("bytea", "'\\xff00'", '"/wA="'),
    ("timestamptz", "'2021-01-01T00:00:00Z'", '"2021-01-01T02:00:00+02:00"'),
    ("text", "NULL", "null"),
    ("char(4)", "'ab'", '"ab"'),
    ("point", "'(1,2)'", '"(1,2)"'),
    ("float8", "0.1", "0.1"),
]


CHANGED = [
    ("json", """'{"a": 1}'""", '{"a":1}', '{"a":1}'),
    ("numeric", "1.0", "1.00", "1.00"),
    ("interval", "'1 mon'", '"P30D"', "30 days"),
    ("integer[]", "'{1,NULL}'", "[null, 1]", "{NULL,1}"),
    ("text", "'x'", "null", None),
    ("text", "NULL", '""', ""),
    ("float8", "0", '"-0"', "-0"),
]


def make_row(type_name: str, value: str) -> None:
    """Make hiring.made with a row, whose value is an SQL literal of the type."""
    execute(SQL("CREATE TABLE hiring.made (id int PRIMARY KEY, v {})").format(SQL(type_name)))
    execute(SQL("INSERT INTO hiring.made VALUES (1, {})").format(SQL(value)))


@pytest.mark.parametrize(("type_name", "before", "sent"), UNCHANGED)
def test_an_update_that_changes_nothing_is_ignored(
    client: Client, type_name: str, before: str, sent: str
) -> None:
    make_row(type_name, before)
    answer = send(client, "made", f'[{{"id": 1, "v": {sent}}}]', "?on_conflict=update")
    assert (answer.status_code, counts(answer)) == (201, (1, 0, 0, 1, 0))


@pytest.mark.parametrize(("type_name", "before", "sent", "after"), CHANGED)
def test_an_update_that_changes_how_a_value_reads_is_made(
    client: Client, type_name: str, before: str, sent: str, after: str | None
) -> None:
    make_row(type_name, before)
    answer = send(client, "made", f'[{{"id": 1, "v": {sent}}}]', "?on_conflict=update")
    assert (answer.status_code, counts(answer)) == (201, (1, 0, 1, 0, 0))
    assert stored("SELECT v::text FROM hiring.made") == [(after,)]


def test_a_key_that_stands_twice_names_the_first_row(people: Client) -> None:
    rows = [
        {"id": 7, "name": "First"},
        {"id": 8, "code": "z"},
        {"id": 7, "name": "Second"},
        {"id": 9, "code": "z"},
        {"id": 7, "name": "Third", "city": "Bonn"},
    ]
    answer = send(people, "people", rows)
    assert (answer.status_code, counts(answer)) == (207, (5, 2, 0, 0, 3))
    assert [
        (one["index"], e["code"], e["columns"], e["first_index"])
        for one in answer.json()["rejections"]
        for e in one["errors"]
    ] == [
        (2, "duplicate_in_batch", ["id"], 0),
        (3, "duplicate_in_batch", ["code"], 1),
        (4, "duplicate_in_batch", ["id"], 0),
    ]
    assert people_rows()[1:] == [(7, None, "First", "Bern"), (8, "z", None, "Bern")]


@pytest.mark.parametrize(("mode", "outcome"), [("ignore", (0, 3)), ("update", (1, 2))])
def test_a_stored_key_that_stands_twice_is_settled_twice(
    people: Client, mode: str, outcome: tuple[int, int]
) -> None:
    rows = [{"id": 1, "name": "A"}, {"id": 1}, {"id": 1, "name": "A"}]
    answer = send(people, "people", rows, f"?on_conflict={mode}")
    assert counts(answer) == (3, 0, *outcome, 0)
    assert people_rows() == [(1, "a", "A" if mode == "update" else "Ann", "Rome")]


@pytest.mark.parametrize("mode", ["ignore", "update"])
def test_another_unique_key_still_rejects(people: Client, mode: str) -> None:
    execute("INSERT INTO hiring.people VALUES (2, 'b', 'Bob')")
    rows = [{"id": 1, "code": "b"}, {"id": 3, "code": "a"}, {"id": 2, "code": "b", "name": "B"}]
    answer = send(people, "people", rows, f"?on_conflict={mode}&conflict_key=id")
    updated = int(mode == "update")
    assert counts(answer) == (3, 0, updated, 1 - updated, 2)
    assert codes(answer.json()) == {0: [("duplicate_key", None)], 1: [("duplicate_key", None)]}
    assert answer.json()["rejections"][0]["errors"][0]["columns"] == ["code"]


def test_an_update_is_held_to_the_checks_of_the_row_it_makes(client: Client) -> None:
    execute("CREATE TABLE hiring.made (id int PRIMARY KEY, low int, high int, CHECK (low < high))")
    execute("INSERT INTO hiring.made VALUES (1, 1, 5), (2, 1, 5)")
    rows = [{"id": 1, "low": 9}, {"id": 2, "low": 4}]
    answer = send(client, "made", rows, "?on_conflict=update")
    assert counts(answer) == (2, 0, 1, 0, 1)
    assert codes(answer.json()) == {0: [("check_violation", None)]}
    assert stored("SELECT * FROM hiring.made ORDER BY id") == [(1, 1, 5), (2, 4, 5)]


def test_notices_a_new_key_at_once(people: Client) -> None:
    assert send(people, "people", [{"id": 5}]).status_code == 201
    execute("CREATE UNIQUE INDEX fresh ON hiring.people (name)")
    query = "?on_conflict=ignore&conflict_key="
    answer = send(people, "people", [{"id": 6, "name": "Ann"}], f"{query}fresh")
    assert counts(answer) == (1, 0, 0, 1, 0)
    execute("ALTER INDEX hiring.fresh RENAME TO renamed")
    answer = send(people, "people", [{"id": 6, "name": "Ann"}], f"{query}renamed")
    assert counts(answer) == (1, 0, 0, 1, 0)


def test_deferrable_keys_reject(client: Client) -> None:
    execute("CREATE TABLE hiring.made (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)")
    execute("INSERT INTO hiring.made VALUES (1)")
    answer = send(client, "made", [{"id": 1}, {"id": 2}, {"id": 2}])
    assert codes(answer.json()) == {0: [("duplicate_key", None)], 2: [("duplicate_in_batch", None)]}
    assert stored("SELECT * FROM hiring.made ORDER BY 1") == [(1,), (2,)]


@pytest.mark.parametrize("on_conflict", ["ignore", "update"])
def test_a_trigger_that_keeps_rows_out_is_no_conflict(client: Client, on_conflict: str) -> None:
    execute("CREATE TABLE hiring.made (id int PRIMARY KEY, n int)")
    execute("""
        CREATE FUNCTION hiring.keep_out() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN IF new.n < 0 THEN RETURN NULL; END IF; RETURN new; END'
    """)
    execute("""
        CREATE TRIGGER keep_out BEFORE INSERT ON hiring.made
        FOR EACH ROW EXECUTE FUNCTION hiring.keep_out()
    """)
    try:
        execute("INSERT INTO hiring.made VALUES (1, 1)")
        rows = [{"id": 1, "n": 1}, {"id": 2, "n": -1}, {"id": 3, "n": 1}]
        answer = send(client, "made", rows, f"?on_conflict={on_conflict}")
        assert counts(answer) == (3, 1, 0, 1, 1)
        assert codes(answer.json()) == {1: [("trigger_rejected", None)]}
    finally:
        execute("DROP FUNCTION hiring.keep_out CASCADE")


@pytest.mark.parametrize("mode", MODES)
def test_atomic_stores_all_rows_or_none(people: Client, mode: str) -> None:
    before = people_rows()
    rows = [{"id": 1, "name": "A"}, {"id": 2}, {"id": 3, "name": "nobody"}, {"id": "x"}]
    answer = send(people, "people", rows, f"?on_conflict={mode}&atomic=true")
    assert answer.status_code == 422
    rejected = 3 if mode == "reject" else 2
    assert counts(answer) == (4, 0, 0, 4 - rejected, rejected)
    assert people_rows() == before
    assert stored("SELECT count(*) FROM service.rejection") == [(rejected,)]
    good = [{"id": 2, "name": "B"}, {"id": 3, "name": "C"}]
    answer = send(people, "people", good, f"?on_conflict={mode}&atomic=true")
    assert (answer.status_code, counts(answer)) == (201, (2, 2, 0, 0, 0))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("atomic", ["true", "false"])
def test_a_dry_run_says_what_would_happen(people: Client, mode: str, atomic: str) -> None:
    rows = [{"id": 1, "name": "A"}, {"id": 2}, {"id": 2}, {"id": 3, "name": "nobody"}, {"id": "x"}]
    query = f"?on_conflict={mode}&atomic={atomic}"
    before = people_rows()
    dry = send(people, "people", rows, f"{query}&dry_run=true")
    assert dry.json()["dry_run"] is True
    assert people_rows() == before
    assert stored("SELECT count(*) FROM service.rejection") == [(0,)]
    assert people.get(f"/api/batches/{dry.json()['batch']}").json() == dry.json()
    real = send(people, "people", rows, query)
    assert real.json()["dry_run"] is False
    assert (real.status_code, counts(real)) == (dry.status_code, counts(dry))
    assert real.json()["rejections"] == dry.json()["rejections"]


def test_a_dry_run_foresees_deferred_constraints(client: Client) -> None:
    execute("CREATE TABLE hiring.par (id int PRIMARY KEY)")
    execute("""
        CREATE TABLE hiring.made (id int PRIMARY KEY,
            p int REFERENCES hiring.par DEFERRABLE INITIALLY DEFERRED)
    """)
    answer = send(client, "made", [{"id": 1, "p": 5}, {"id": 2}], "?dry_run=true")
    assert codes(answer.json()) == {0: [("fk_violation", "p")]}
    assert counts(answer) == (2, 1, 0, 0, 1)
    assert stored("SELECT * FROM hiring.made") == []


def test_a_dry_run_has_an_idempotency_key_too(people: Client) -> None:
    headers = {"Idempotency-Key": "trial"}
    first = send(people, "people", [{"id": 5}], "?dry_run=true", **headers)
    again = send(people, "people", [{"id": 5}], "?dry_run=true", **headers)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json()
    real = send(people, "people", [{"id": 5}], **headers)
    assert (real.status_code, real.json()["code"]) == (422, "idempotency_key_reused")


def test_an_update_reaches_rows_of_partitions(client: Client) -> None:
    execute("""
        CREATE TABLE hiring.made (id int PRIMARY KEY, n int, note text) PARTITION BY RANGE (id)
    """)
    execute("CREATE TABLE hiring.low (junk int, note text, n int, id int NOT NULL)")
    execute("ALTER TABLE hiring.low DROP COLUMN junk")
    execute("ALTER TABLE hiring.made ATTACH PARTITION hiring.low FOR VALUES FROM (0) TO (10)")
    execute("INSERT INTO hiring.made VALUES (1, 1, 'x')")
    rows = [{"id": 1, "n": 2}, {"id": 2, "n": 2}, {"id": 50, "n": 2}]
    answer = send(client, "made", rows, "?on_conflict=update")
    assert counts(answer) == (3, 1, 1, 0, 1)
    assert codes(answer.json()) == {2: [("check_violation", None)]}
    assert stored("SELECT * FROM hiring.made ORDER BY id") == [(1, 2, "x"), (2, 2, None)]


@pytest.mark.parametrize("returning_old_since", [RETURNING_OLD_SINCE, 999999])
def test_a_partitioned_table_tells_inserted_from_updated(
    client: Client, monkeypatch: pytest.MonkeyPatch, returning_old_since: int
) -> None:
    monkeypatch.setattr("ingest.writing.statements.RETURNING_OLD_SINCE", returning_old_since)
    execute("""
        CREATE TABLE hiring.made (id int, day date, n int, note text, PRIMARY KEY (id, day))
        PARTITION BY RANGE (day)
    """)
    execute("CREATE TABLE hiring.rest PARTITION OF hiring.made DEFAULT")
    execute("INSERT INTO hiring.made VALUES (1, '2026-01-01', 1, 'x'), (2, '2026-01-01', 2, 'y')")
    rows = [{"id": id_, "day": "2026-01-01", "n": 2} for id_ in (1, 2, 3)]
    rows[2]["note"] = "z"  # another group of columns
    assert counts(send(client, "made", rows, "?on_conflict=update")) == (3, 1, 1, 1, 0)
    assert counts(send(client, "made", rows, "?on_conflict=update")) == (3, 0, 0, 3, 0)
    rows[0]["n"] = 5
    rows[1]["n"] = "x"
    assert counts(send(client, "made", rows, "?on_conflict=update")) == (3, 0, 1, 1, 1)
    assert stored("SELECT id, n, note FROM hiring.made ORDER BY id") == [
        (1, 5, "x"),
        (2, 2, "y"),
        (3, 2, "z"),
    ]


def test_the_stored_receipt_keeps_every_digit(client: Client) -> None:
    answer = send(client, "jobs", '[{"job_id": 12345678901234567890123, "job_name": 1.10}]')
    again = client.get(f"/api/batches/{answer.json()['batch']}")
    assert again.json() == answer.json()
    assert b"12345678901234567890123" in again.content
    assert b"1.10" in again.content
