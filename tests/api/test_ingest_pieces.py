"""POST /api/ingest/{table}: batches that are copied in pieces, and those that must not be."""

from typing import Any

import pytest
from django.test import Client

from ingest.writing.rows.copy_in import copy_in
from ingest.writing.rows.writer import COPIED_ROWS
from tests.api.sending import codes, execute, send, stored

pytestmark = pytest.mark.usefixtures("made_things")

ROWS = [{"id": number, "next": number + 1} for number in range(1, 1001)]


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list of how many pieces each COPY that is tried has."""
    counts: list[int] = []

    def watch(connection: Any, statement: str, given: Any) -> int:
        counts.append(len(given))
        return copy_in(connection, statement, given)

    monkeypatch.setattr("ingest.writing.rows.writer.copy_in", watch)
    return counts


@pytest.mark.parametrize("count", [1, COPIED_ROWS, COPIED_ROWS + 1, 1000])
@pytest.mark.parametrize("extra", [{}, {"more": "[1, 2]"}], ids=["encoded", "by Python"])
def test_a_batch_is_copied_in_as_few_pieces_as_are_quick(
    client: Client, pieces: list[int], count: int, extra: dict[str, Any]
) -> None:
    execute("CREATE TABLE hiring.made (id integer PRIMARY KEY, next integer, more json)")
    if not extra:
        execute("ALTER TABLE hiring.made DROP COLUMN more")
    answer = send(client, "made", [row | extra for row in ROWS[:count]])
    assert (answer.status_code, answer.json()["inserted"]) == (201, count)
    assert pieces == [-(-count // COPIED_ROWS)]
    assert stored("SELECT id, next FROM hiring.made ORDER BY id") == [
        tuple(row.values()) for row in ROWS[:count]
    ]


def test_a_row_is_held_against_those_of_other_pieces(client: Client, pieces: list[int]) -> None:
    execute("CREATE TABLE hiring.made (id integer PRIMARY KEY, next integer)")
    answer = send(client, "made", [*ROWS[:999], ROWS[0]])
    assert codes(answer.json()) == {999: [("duplicate_in_batch", None)]}
    assert answer.json()["inserted"] == 999
    assert pieces == [3, 3]


def test_rows_may_refer_to_rows_of_their_own_batch(client: Client, pieces: list[int]) -> None:
    execute(
        "CREATE TABLE hiring.made (id integer PRIMARY KEY, next integer REFERENCES hiring.made)"
    )
    answer = send(client, "made", [*ROWS[:999], {"id": 1000, "next": 1}])
    assert (answer.status_code, pieces) == (201, [1])


def test_a_trigger_sees_a_batch_as_one_statement(client: Client, pieces: list[int]) -> None:
    execute("""
        CREATE TABLE hiring.made (id integer PRIMARY KEY, next integer);
        CREATE TABLE hiring.seen (rows integer);
        CREATE FUNCTION hiring.see() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO hiring.seen SELECT count(*) FROM added; RETURN NULL; END $$;
        CREATE TRIGGER see AFTER INSERT ON hiring.made REFERENCING NEW TABLE AS added
            FOR EACH STATEMENT EXECUTE FUNCTION hiring.see();
        GRANT INSERT ON hiring.seen TO ingest_writer;
    """)
    assert send(client, "made", ROWS).status_code == 201
    assert stored("SELECT rows FROM hiring.seen") == [(1000,)]
    assert pieces == [1]
