"""DELETE /api/tables/{table}/rows/{key}."""

from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from tests.api.sending import execute, send, stored
from tests.api.tables import employee

pytestmark = pytest.mark.usefixtures("database")


def delete(client: Client, table: str, key: str) -> Any:
    return client.delete(f"/api/tables/{table}/rows/{key}")


def test_deletes_the_row_with_the_key(hiring: Client) -> None:
    send(hiring, "employees", [employee(1), employee(2)])
    answer = delete(hiring, "employees", "1")
    assert (answer.status_code, answer.content) == (204, b"")
    assert stored("SELECT employee_id FROM hiring.employees") == [(2,)]


@pytest.mark.parametrize("key", ["99", "x", "1.0", "99999999999999", "a%00b"])
def test_a_row_that_is_not_there_is_404(hiring: Client, key: str) -> None:
    answer = delete(hiring, "employees", key)
    assert (answer.status_code, answer.json()["code"]) == (404, "row_unknown")


def test_a_row_that_others_refer_to_stays(hiring: Client) -> None:
    send(hiring, "employees", [employee(1)])
    answer = delete(hiring, "departments", "1")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "row_referenced")
    assert problem["constraint"] == "employees_department_id_fkey"
    assert stored("SELECT count(*) FROM hiring.departments") == [(1,)]


def test_a_reference_checked_at_the_commit_keeps_the_row_too(client: Client) -> None:
    execute(
        "CREATE TABLE hiring.parts (id integer PRIMARY KEY, whole integer"
        " REFERENCES hiring.parts DEFERRABLE INITIALLY DEFERRED)"
    )
    execute("INSERT INTO hiring.parts VALUES (1, NULL), (2, 1)")
    answer = delete(client, "parts", "1")
    assert (answer.status_code, answer.json()["code"]) == (409, "row_referenced")
    assert stored("SELECT count(*) FROM hiring.parts") == [(2,)]


def test_the_values_of_a_composite_key_are_separated_by_commas(client: Client) -> None:
    execute('CREATE TABLE hiring."Pairs" (n integer, "Text" text, PRIMARY KEY ("Text", n))')
    execute("INSERT INTO hiring.\"Pairs\" VALUES (1, 'a'), (1, 'b,c/d'), (2, 'a')")
    assert delete(client, "Pairs", "a,1").status_code == 204
    assert delete(client, "Pairs", quote('"b,c/d",1', safe="")).status_code == 204
    assert stored('SELECT n, "Text" FROM hiring."Pairs"') == [(2, "a")]
    answer = delete(client, "Pairs", "a")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter")
    assert answer.json()["detail"] == "The key of hiring.Pairs is Text, n"


def test_a_single_text_key_may_hold_commas(client: Client) -> None:
    execute("CREATE TABLE hiring.words (word text PRIMARY KEY)")
    execute("INSERT INTO hiring.words VALUES ('a,b'), ('a')")
    assert delete(client, "words", "a,b").status_code == 204
    assert stored("SELECT word FROM hiring.words") == [("a",)]


def test_a_table_without_a_key_has_no_row_to_name(client: Client) -> None:
    execute("CREATE TABLE hiring.heap (id integer)")
    answer = delete(client, "heap", "1")
    assert (answer.status_code, answer.json()["code"]) == (409, "table_has_no_key")


def test_a_trigger_may_refuse(client: Client) -> None:
    execute("CREATE TABLE hiring.kept (id integer PRIMARY KEY)")
    execute("INSERT INTO hiring.kept VALUES (1)")
    execute(
        "CREATE FUNCTION hiring.keep() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'kept'; END $$"
    )
    execute(
        "CREATE TRIGGER keep BEFORE DELETE ON hiring.kept FOR EACH ROW"
        " EXECUTE FUNCTION hiring.keep()"
    )
    try:
        answer = delete(client, "kept", "1")
    finally:
        execute("DROP FUNCTION hiring.keep CASCADE")
    assert (answer.status_code, answer.json()["code"]) == (409, "delete_refused")


def test_needs_the_scope_admin(hiring: Client, api_key: Any) -> None:
    send(hiring, "employees", [employee(1)])
    for key in (api_key("ingest", "read"), api_key("admin", tables=["hiring.jobs"])):
        client = Client(headers={"Authorization": f"Api-Key {key}"})
        answer = delete(client, "employees", "1")
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    assert stored("SELECT count(*) FROM hiring.employees") == [(1,)]
