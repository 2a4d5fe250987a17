"""GET /api/tables and /api/tables/{table}."""

from typing import Any

import pytest
from django.test import Client
from jsonschema import Draft202012Validator

from tests.api.sending import execute, send
from tests.api.tables import make_every_type_table

pytestmark = pytest.mark.usefixtures("database")


def describe(client: Client, table: str) -> dict[str, Any]:
    answer = client.get(f"/api/tables/{table}")
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def test_lists_every_exposed_table(client: Client) -> None:
    execute('CREATE TABLE hiring."Odd Name/x" (id integer)')
    answer = client.get("/api/tables").json()
    names = [one["table"] for one in answer["results"]]
    own = [name for name in names if name.startswith("hiring.")]
    assert own == ["hiring.Odd Name/x", "hiring.departments", "hiring.employees", "hiring.jobs"]
    shown = {one["table"]: one for one in answer["results"]}
    assert shown["hiring.departments"] == {
        "table": "hiring.departments",
        "comment": "The departments people are hired into",
        "estimated_rows": shown["hiring.departments"]["estimated_rows"],
        "links": {
            "self": "/api/tables/hiring.departments",
            "rows": "/api/tables/hiring.departments/rows",
            "ingest": "/api/ingest/hiring.departments",
        },
    }
    odd = shown["hiring.Odd Name/x"]["links"]["self"]
    assert client.get(odd).json()["table"] == "hiring.Odd Name/x"


def test_the_list_has_pages(client: Client) -> None:
    first = client.get("/api/tables?limit=2").json()
    second = client.get(first["next"]).json()
    back = client.get(second["previous"]).json()
    everything = client.get("/api/tables").json()["results"]
    assert first["results"] + second["results"] == everything[:4]
    assert back["results"] == first["results"]


def test_describes_columns_keys_references_and_the_schema_of_a_row(client: Client) -> None:
    found = describe(client, "employees")
    assert (found["table"], found["comment"]) == ("hiring.employees", "The people who were hired")
    assert found["columns"][1] == {
        "name": "employee_name",
        "type": "character varying(255)",
        "comment": "First and last name",
        "required": True,
        "nullable": False,
        "read_only": False,
        "default": None,
        "generated": None,
        "max_length": 255,
        "labels": None,
        "filterable": True,
    }
    assert found["keys"] == [
        {"name": "employees_pkey", "columns": ["employee_id"], "primary": True, "where": None}
    ]
    assert found["foreign_keys"][0] == {
        "name": "employees_department_id_fkey",
        "columns": ["department_id"],
        "table": "hiring.departments",
        "referenced": ["department_id"],
    }
    assert found["schema"]["properties"]["employee_name"] == {
        "type": "string",
        "maxLength": 255,
        "minLength": 1,
        "pattern": r"\S",
        "description": "First and last name",
    }
    assert found["schema"]["required"] == list(found["schema"]["properties"])
    assert found["schema"]["additionalProperties"] is False


def test_describes_defaults_generated_columns_labels_and_checks(client: Client) -> None:
    execute("CREATE TYPE hiring.mood AS ENUM ('fine', 'bad')")
    try:
        execute(
            "CREATE TABLE hiring.things (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
            " size integer NOT NULL DEFAULT 5 CONSTRAINT positive CHECK (size > 0),"
            " twice integer GENERATED ALWAYS AS (size * 2) STORED, mood hiring.mood)"
        )
        found = describe(client, "things")
    finally:
        execute("DROP TYPE hiring.mood CASCADE")
    by_name = {column["name"]: column for column in found["columns"]}
    assert by_name["id"]["read_only"] is True
    assert (by_name["size"]["default"], by_name["size"]["required"]) == ("5", False)
    assert by_name["twice"]["generated"] == "(size * 2)"
    assert by_name["mood"]["labels"] == ["fine", "bad"]
    assert found["checks"] == [
        {"name": "positive", "columns": ["size"], "expression": "(size > 0)"}
    ]
    assert found["schema"]["properties"]["mood"] == {
        "type": ["string", "null"],
        "enum": ["fine", "bad", None],
    }
    assert list(found["schema"]["properties"]) == ["size", "mood"]


def test_the_example_of_every_type_is_valid_and_can_be_stored(client: Client) -> None:
    make_every_type_table()
    found = describe(client, "every_type")
    Draft202012Validator(found["schema"]).validate(found["example"][0])
    answer = send(client, "every_type", found["example"])
    assert answer.status_code == 201, answer.content


def test_the_example_passes_the_table_s_checks(client: Client) -> None:
    execute(
        "CREATE TABLE hiring.checked (id integer PRIMARY KEY CHECK (id >= 1000),"
        " status text NOT NULL CHECK (status IN ('open', 'closed')),"
        " amount numeric(4, 2) CHECK (amount > 20), code varchar(2) CHECK (code <> 'Co'))"
    )
    example = describe(client, "checked")["example"]
    assert send(client, "checked", example).status_code == 201, example


def test_a_changed_table_is_described_as_it_is_now(client: Client) -> None:
    execute("CREATE TABLE hiring.things (id integer)")
    assert len(describe(client, "things")["columns"]) == 1
    execute("ALTER TABLE hiring.things ADD COLUMN size integer")
    assert len(describe(client, "things")["columns"]) == 2


@pytest.mark.parametrize(
    "name", ["nothing", "service.batch", "pg_catalog.pg_class", "x;drop", "a%22b", "a%00b"]
)
def test_a_table_that_is_not_exposed_is_404(client: Client, name: str) -> None:
    for address in (f"/api/tables/{name}", f"/api/tables/{name}/rows"):
        answer = client.get(address)
        assert (answer.status_code, answer.json()["code"]) == (404, "table_unknown")
