"""Columns that PostgreSQL computes when they are read: no row may be stored that cannot be."""

import pytest
from django.db import connection
from django.test import Client

from tests.api.sending import codes, counts, execute, send, stored
from tests.api.tables import body_of, read_rows

pytestmark = pytest.mark.usefixtures("database", "made_things", "postgresql_18")

TABLE = """
CREATE TABLE hiring.made (
  id int PRIMARY KEY, n int NOT NULL, m int NOT NULL DEFAULT 1,
  share int GENERATED ALWAYS AS (100 / n) VIRTUAL,
  doubled int GENERATED ALWAYS AS (m * 2) VIRTUAL)
"""
FAILED = [("generated_failed", "share")]


@pytest.fixture
def postgresql_18(database: None) -> None:
    connection.ensure_connection()
    if connection.connection.info.server_version < 180000:
        pytest.skip("PostgreSQL has virtual columns since 18")


@pytest.fixture
def made(client: Client) -> Client:
    execute(TABLE)
    return client


def test_a_row_that_cannot_be_computed_is_rejected(made: Client) -> None:
    rows = [{"id": number, "n": number % 5} for number in range(20)]
    rows[3]["m"] = 2_000_000_000
    answer = send(made, "made", rows)
    assert codes(answer.json()) == {
        3: [("generated_failed", "doubled")],
        **dict.fromkeys((0, 5, 10, 15), FAILED),
    }
    assert "division by zero" in answer.json()["rejections"][0]["errors"][0]["message"]
    assert stored("SELECT count(share), count(doubled) FROM hiring.made") == [(15, 15)]


def test_clean_batches_are_stored(made: Client) -> None:
    rows = [{"id": 1, "n": 1}, {"id": 2, "n": 2, "m": 3}]
    assert counts(send(made, "made", rows)) == (2, 2, 0, 0, 0)
    assert stored("SELECT id, share, doubled FROM hiring.made ORDER BY id") == [
        (1, 100, 2),
        (2, 50, 6),
    ]


@pytest.mark.parametrize("row", [{"id": 1, "n": 0, "m": 1}, {"id": 1, "n": 0}])
def test_an_update_that_cannot_be_computed_is_rejected(made: Client, row: dict[str, int]) -> None:
    assert send(made, "made", [{"id": 1, "n": 1}]).status_code == 201
    answer = send(made, "made", [row, {"id": 2, "n": 2}], "?on_conflict=update")
    assert codes(answer.json()) == {0: FAILED}
    assert counts(answer) == (2, 1, 0, 0, 1)
    assert stored("SELECT id, n FROM hiring.made ORDER BY id") == [(1, 1), (2, 2)]


def test_a_partial_update_that_cannot_be_computed_is_rejected(made: Client) -> None:
    assert send(made, "made", [{"id": 1, "n": 1}]).status_code == 201
    rows = [{"id": 1, "m": 2_000_000_000}]
    answer = send(made, "made", rows, "?on_conflict=update")
    assert codes(answer.json()) == {0: [("generated_failed", "doubled")]}


def test_ignored_rows_are_not_computed(made: Client) -> None:
    assert send(made, "made", [{"id": 1, "n": 1}]).status_code == 201
    answer = send(made, "made", [{"id": 1, "n": 0}, {"id": 2, "n": 0}], "?on_conflict=ignore")
    assert codes(answer.json()) == {1: FAILED}


def test_what_triggers_store_is_computed(made: Client) -> None:
    execute("CREATE FUNCTION hiring.zero() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN IF new.n > 50 THEN new.n := 0; END IF; RETURN new; END $$")  # fmt: skip
    execute("CREATE TRIGGER zero BEFORE INSERT ON hiring.made"
            " FOR EACH ROW EXECUTE FUNCTION hiring.zero()")  # fmt: skip
    answer = send(made, "made", [{"id": 1, "n": 51}, {"id": 2, "n": 5}])
    assert codes(answer.json()) == {0: FAILED}


def test_partitioned_tables(client: Client) -> None:
    execute(TABLE.rstrip() + " PARTITION BY RANGE (id)")
    execute("CREATE TABLE hiring.made_all PARTITION OF hiring.made DEFAULT")
    for query in ("", "?on_conflict=update"):
        answer = send(client, "made", [{"id": 1, "n": 0}, {"id": 2, "n": 5}], query)
        assert codes(answer.json())[0] == FAILED


def test_rows_that_came_another_way_can_be_read(made: Client) -> None:
    execute("INSERT INTO hiring.made (id, n) VALUES (1, 0), (2, 50)")
    rows = read_rows(made, "made")
    assert [(row["id"], row["n"], row["share"]) for row in rows] == [(1, 0, None), (2, 50, None)]
    answer = made.get("/api/tables/made/rows?format=csv")
    assert body_of(answer).decode().splitlines()[1:] == ["1,0,1,,", "2,50,1,,"]
    execute("DELETE FROM hiring.made WHERE n = 0")
    assert [row["share"] for row in read_rows(made, "made")] == [2]
