"""Whose fault it is that a row is not stored: its own, whatever the code, or the server's."""

import pytest
from django.test import Client
from psycopg.sql import SQL

from tests.api.sending import codes, counts, execute, send, stored
from tests.api.tables import make_trigger

pytestmark = pytest.mark.usefixtures("database", "made_things")

STATES = ["0A000", "55000", "28000", "08000", "08006", "40001", "40P01", "42501", "42P01", "57014",
          "57P01", "53100", "25006", "55P03", "58030", "XX000"]  # fmt: skip


def refuse(state: str) -> str:
    return f"IF new.n < 0 THEN RAISE 'not this one' USING ERRCODE = '{state}'; END IF; RETURN new;"


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("when", ["BEFORE INSERT", "AFTER INSERT"])
def test_a_trigger_may_refuse_a_row_with_any_code(client: Client, state: str, when: str) -> None:
    execute("CREATE TABLE hiring.made (id int PRIMARY KEY, n int NOT NULL)")
    make_trigger("made", refuse(state), when)
    rows = [{"id": number, "n": number} for number in range(20)]
    rows[3]["n"] = rows[17]["n"] = -1
    answer = send(client, "made", rows)
    assert answer.status_code == 207, answer.content
    refused = [("trigger_rejected", None)]
    assert codes(answer.json()) == {3: refused, 17: refused}
    assert answer.json()["rejections"][0]["errors"][0]["message"] == "not this one"
    assert stored("SELECT count(*) FROM hiring.made") == [(18,)]


@pytest.mark.parametrize("query", ["?on_conflict=update", "?on_conflict=ignore", "?dry_run=true"])
def test_it_may_so_in_every_way_of_writing(client: Client, query: str) -> None:
    execute("CREATE TABLE hiring.made (id int PRIMARY KEY, n int NOT NULL)")
    make_trigger("made", refuse("42501"), "BEFORE INSERT OR UPDATE")
    answer = send(client, "made", [{"id": 1, "n": 1}, {"id": 2, "n": -1}], query)
    assert codes(answer.json()) == {1: [("trigger_rejected", None)]}


def test_a_code_that_passes_when_the_row_is_tried_again_rejects_nothing(client: Client) -> None:
    execute("CREATE TABLE hiring.made (id int PRIMARY KEY)")
    execute("CREATE SEQUENCE hiring.made_tries OWNED BY hiring.made.id")
    execute("GRANT USAGE ON SEQUENCE hiring.made_tries TO PUBLIC")
    make_trigger(
        "made",
        "IF nextval('hiring.made_tries') < 4 THEN RAISE 'later' USING ERRCODE = '40001'; END IF;"
        " RETURN new;",
    )
    assert send(client, "made", [{"id": 1}]).status_code == 201


def test_a_failure_inside_a_trigger_is_its_rows(client: Client) -> None:
    execute("CREATE TABLE hiring.made (id int PRIMARY KEY, target text)")
    make_trigger("made", "EXECUTE format('SELECT FROM %I', new.target); RETURN new;")
    answer = send(client, "made", [{"id": 1, "target": "pg_class"}, {"id": 2, "target": "nowhere"}])
    assert codes(answer.json()) == {1: [("trigger_rejected", None)]}
    assert '"nowhere" does not exist' in answer.json()["rejections"][0]["errors"][0]["message"]


@pytest.mark.parametrize(
    ("type_", "good", "bad"),
    [
        ("regclass", "pg_class", "nowhere"),
        ("regconfig", "simple", "nowhere"),
        ("regconfig[]", ["simple"], ["nowhere"]),
        ("regprocedure", "now()", "nowhere(int)"),
        ("regrole", "ingest_writer", "nobody_of_this_name"),
    ],
)
def test_a_value_that_always_fails_is_a_bad_value(
    client: Client, type_: str, good: object, bad: object
) -> None:
    execute(SQL("CREATE TABLE hiring.made (id int PRIMARY KEY, v {})").format(SQL(type_)))
    answer = send(client, "made", [{"id": 1, "v": good}, {"id": 2, "v": bad}])
    assert counts(answer) == (2, 1, 0, 0, 1)
    assert {errors[0][0] for errors in codes(answer.json()).values()} == {"bad_value"}


def test_a_type_that_the_server_lacks_refuses_each_value_alone(client: Client) -> None:
    if stored("SELECT count(*) FROM pg_config WHERE setting LIKE '%with-libxml%'") != [(0,)]:
        pytest.skip("this PostgreSQL has libxml")
    execute("CREATE TABLE hiring.made (id int PRIMARY KEY, x xml)")
    answer = send(client, "made", [{"id": 1}, {"id": 2, "x": "<a/>"}])
    assert codes(answer.json()) == {1: [("bad_value", None)]}
    assert "XML" in answer.json()["rejections"][0]["errors"][0]["message"]
    assert stored("SELECT id FROM hiring.made") == [(1,)]


def test_a_privilege_that_the_service_lacks_is_no_rows_fault(client: Client) -> None:
    execute("CREATE TABLE hiring.made (id int PRIMARY KEY, n int)")
    execute("CREATE SEQUENCE hiring.made_n OWNED BY hiring.made.n")
    execute("REVOKE ALL ON hiring.made_n FROM ingest_writer")
    execute("ALTER TABLE hiring.made ALTER n SET DEFAULT nextval('hiring.made_n')")
    answer = send(client, "made", [{"id": 1}, {"id": 2, "n": 1}])
    assert (answer.status_code, answer.json()["code"]) == (403, "table_not_writable")
    execute("REVOKE INSERT ON hiring.made FROM ingest_writer")
    answer = send(client, "made", [{"id": 2, "n": 1}])
    assert (answer.status_code, answer.json()["code"]) == (403, "table_not_writable")
    assert stored("SELECT count(*) FROM hiring.made") == [(0,)]
