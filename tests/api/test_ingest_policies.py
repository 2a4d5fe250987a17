"""Tables with row security or rules: they hold for loaders too, row by row."""

import pytest
from django.test import Client

from tests.api.sending import counts, execute, send, stored

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def guarded(client: Client) -> Client:
    execute("CREATE TABLE hiring.guarded (id integer PRIMARY KEY, department text)")
    execute("ALTER TABLE hiring.guarded ENABLE ROW LEVEL SECURITY")
    execute("CREATE POLICY reads ON hiring.guarded FOR SELECT USING (true)")
    execute("CREATE POLICY writes ON hiring.guarded FOR INSERT WITH CHECK (department = 'Sales')")
    return client


def test_rows_that_a_policy_takes_are_stored(guarded: Client) -> None:
    rows = [{"id": number, "department": "Sales"} for number in range(3)]
    answer = send(guarded, "guarded", rows)
    assert answer.status_code == 201, answer.content
    assert stored("SELECT count(*) FROM hiring.guarded") == [(3,)]


def test_a_row_that_a_policy_refuses_is_rejected_alone(guarded: Client) -> None:
    rows = [{"id": 1, "department": "Sales"}, {"id": 2, "department": "Law"}]
    answer = send(guarded, "guarded", rows)
    assert answer.status_code == 207, answer.content
    (rejection,) = answer.json()["rejections"]
    assert rejection["index"] == 1
    (error,) = rejection["errors"]
    assert error["code"] == "check_violation"
    assert "row-level security" in error["message"]
    assert stored("SELECT id FROM hiring.guarded") == [(1,)]


def test_a_row_that_a_rule_leaves_out_is_rejected(client: Client) -> None:
    execute("CREATE TABLE hiring.ruled (id integer PRIMARY KEY)")
    execute("CREATE RULE odd AS ON INSERT TO hiring.ruled WHERE NEW.id % 2 = 0 DO INSTEAD NOTHING")
    answer = send(client, "ruled", [{"id": number} for number in range(4)])
    assert answer.status_code == 207, answer.content
    rejections = answer.json()["rejections"]
    assert [rejection["index"] for rejection in rejections] == [0, 2]
    assert {error["code"] for one in rejections for error in one["errors"]} == {"trigger_rejected"}
    assert stored("SELECT id FROM hiring.ruled ORDER BY id") == [(1,), (3,)]


def test_rules_of_a_table_with_a_foreign_key_are_obeyed(hiring: Client) -> None:
    execute("CREATE TABLE hiring.ruled (id int PRIMARY KEY, job_id int REFERENCES hiring.jobs)")
    execute("CREATE TABLE hiring.seen (id int)")
    execute("GRANT INSERT ON hiring.seen TO PUBLIC")
    execute("CREATE RULE see AS ON INSERT TO hiring.ruled DO ALSO INSERT INTO hiring.seen"
            " VALUES (NEW.id)")  # fmt: skip
    assert send(hiring, "ruled", [{"id": 1, "job_id": 7}]).status_code == 201
    answer = send(hiring, "ruled", [{"id": 2, "job_id": 7}, {"id": 3, "job_id": 8}])
    assert counts(answer) == (2, 1, 0, 0, 1)
    assert stored("SELECT id FROM hiring.seen ORDER BY id") == [(1,), (2,)]


@pytest.mark.parametrize("on_conflict", ["ignore", "update"])
def test_conflicts_in_a_table_with_rules_are_refused(client: Client, on_conflict: str) -> None:
    execute("CREATE TABLE hiring.ruled (id integer PRIMARY KEY)")
    execute("CREATE RULE odd AS ON INSERT TO hiring.ruled WHERE NEW.id % 2 = 0 DO INSTEAD NOTHING")
    answer = send(client, "ruled", [{"id": 1}], f"?on_conflict={on_conflict}")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter")
    assert "only on_conflict=reject" in answer.json()["detail"]


@pytest.fixture
def hidden(client: Client) -> Client:
    """Return a client; hiring.parents has two rows, of which ingest may see one."""
    execute("CREATE TABLE hiring.parents (id integer PRIMARY KEY)")
    execute("INSERT INTO hiring.parents VALUES (1), (2)")
    execute("ALTER TABLE hiring.parents ENABLE ROW LEVEL SECURITY")
    execute("CREATE POLICY one ON hiring.parents USING (id = 1)")
    execute("CREATE TABLE hiring.children (id integer PRIMARY KEY,"
            " parent_id integer REFERENCES hiring.parents)")  # fmt: skip
    return client


@pytest.mark.parametrize("options", ["", "?on_conflict=update", "?atomic=true"])
def test_a_row_may_refer_to_a_row_that_a_policy_hides(hidden: Client, options: str) -> None:
    rows = [{"id": number, "parent_id": number} for number in (1, 2)]
    answer = send(hidden, "children", rows, options)
    assert answer.status_code == 201, answer.content
    assert stored("SELECT count(*) FROM hiring.children") == [(2,)]


def test_beside_policies_a_row_that_refers_to_nothing_is_rejected_alone(hidden: Client) -> None:
    rows = [{"id": number, "parent_id": number} for number in (1, 2, 3)]
    answer = send(hidden, "children", rows)
    assert counts(answer) == (3, 2, 0, 0, 1)
    ((error,),) = [one["errors"] for one in answer.json()["rejections"]]
    assert (error["code"], error["column"]) == ("fk_violation", "parent_id")
    execute("ALTER TABLE hiring.parents DISABLE ROW LEVEL SECURITY")
    assert send(hidden, "children", [{"id": 4, "parent_id": 3}]).status_code == 422
