"""How GET /api/tables/{table}/rows writes values: JSON, NDJSON and CSV."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from psycopg.sql import SQL, Identifier, Literal

from tests.api.extremes import EXTREMES
from tests.api.sending import execute, send, stored
from tests.api.tables import EVERY_TYPE, body_of, make_every_type_table, read_rows

pytestmark = pytest.mark.usefixtures("database")


def test_values_keep_every_digit(extremes: Client) -> None:
    text = extremes.get("/api/tables/every_type/rows?id=0").content.decode()
    for digits in (
        "9223372036854775807",
        "-1234567890123456789012345678.0123456789",
        "1.000000000000000000000000000000000000010",
        "12345678901234567890.5",
        '"2021-07-27T16:02:08.123456+00:00"',
        '"moment":"9999-12-31T23:59:59.999999"',
    ):
        assert digits in text


@pytest.fixture
def other_defaults(database: None) -> Iterator[None]:
    """Have the database write values otherwise by default."""
    name = Identifier(stored("SELECT current_database()")[0][0])
    settings = {
        "datestyle": "SQL, DMY",
        "intervalstyle": "sql_standard",
        "bytea_output": "escape",
        "extra_float_digits": "-10",
    }
    for setting, value in settings.items():
        statement = SQL("ALTER DATABASE {} SET {} = {}")
        execute(statement.format(name, Identifier(setting), Literal(value)))
    connections.close_all()
    yield
    for setting in settings:
        execute(SQL("ALTER DATABASE {} RESET {}").format(name, Identifier(setting)))
    connections.close_all()


@pytest.mark.parametrize("format_", ["json", "csv", "ndjson"])
def test_no_default_of_the_database_changes_how_values_are_written(
    extremes: Client, format_: str, request: pytest.FixtureRequest
) -> None:
    address = f"/api/tables/every_type/rows?format={format_}&order=id"
    before = body_of(extremes.get(address))
    request.getfixturevalue("other_defaults")
    assert body_of(extremes.get(address)) == before


def twin_differences() -> list[Any]:
    return stored(
        "SELECT one::text, other::text FROM hiring.every_type one"
        " FULL JOIN hiring.twin other USING (id) WHERE one::text IS DISTINCT FROM other::text"
    )


def test_rows_read_as_ndjson_can_be_sent_to_a_twin_table_unchanged(extremes: Client) -> None:
    make_every_type_table("twin")
    answer = extremes.get("/api/tables/every_type/rows?format=ndjson")
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    lines = body_of(answer).splitlines()
    assert len(lines) == len(EXTREMES)
    receipt = send(extremes, "twin", b"[" + b",".join(lines) + b"]")
    assert receipt.status_code == 201, receipt.content
    # A json value keeps its text; only the line breaks between its tokens are spaces now.
    execute(
        r"UPDATE hiring.every_type SET plain_json = replace(plain_json::text, E'\n', ' ')::json"
    )
    assert twin_differences() == []


def test_rows_read_again_are_all_ignored(people: Client) -> None:
    lines = body_of(people.get("/api/tables/employees/rows?format=ndjson")).splitlines()
    again = send(people, "employees", b"[" + b",".join(lines) + b"]", "?on_conflict=ignore").json()
    assert (again["received"], again["ignored"]) == (7, 7)


def test_rows_read_again_update_nothing(extremes: Client) -> None:
    lines = body_of(extremes.get("/api/tables/every_type/rows?format=ndjson")).splitlines()
    columns = {"plain_json"}  # has no equality
    rows = [{k: v for k, v in json.loads(line).items() if k not in columns} for line in lines[1:]]
    again = send(extremes, "every_type", rows, "?on_conflict=update").json()
    assert (again["received"], again["ignored"]) == (2, 2), again


def test_answers_only_the_columns_that_are_asked_for(people: Client) -> None:
    query = "?columns=job_id,employee_id&employee_id__lt=2"
    assert read_rows(people, "employees", query) == [
        {"job_id": 7, "employee_id": 0},
        {"job_id": 7, "employee_id": 1},
    ]
    csv_text = body_of(people.get(f"/api/tables/employees/rows{query}&format=csv"))
    assert csv_text == b"job_id,employee_id\r\n7,0\r\n7,1\r\n"
    for wrong in ("nothing", "job_id,job_id", ""):
        answer = people.get(f"/api/tables/employees/rows?columns={wrong}")
        assert (answer.status_code, answer.json()["parameter"]) == (400, "columns")


def test_streams_csv_in_which_null_and_the_empty_string_differ(extremes: Client) -> None:
    answer = extremes.get("/api/tables/every_type/rows?format=csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    text = body_of(answer).decode()
    first, second, third = csv.DictReader(io.StringIO(text, newline=""))
    assert list(first) == ["id", *EVERY_TYPE]
    assert first["words"] == EXTREMES[0]["words"]
    assert first["instant"] == "2021-07-27T16:02:08.123456+00:00"
    assert first["bytes"] == "AP8n" * 40
    assert (first["flag"], second["flag"], third["flag"]) == ("false", "true", "")
    assert text.splitlines()[-1] == "2" + "," * len(EVERY_TYPE)
    assert '\r\n1,,,,,,0.1,true,"",' in text


def test_disarms_formulas_in_csv_only_when_asked(hiring: Client) -> None:
    send(hiring, "departments", [{"department_id": 2, "department_name": "=1+1"}])
    address = "/api/tables/departments/rows?format=csv&department_id=2"
    assert body_of(hiring.get(address)).endswith(b"2,=1+1\r\n")
    assert body_of(hiring.get(f"{address}&safe=true")).endswith(b"2,'=1+1\r\n")


def test_a_stream_is_of_all_rows_or_up_to_the_limit(client: Client) -> None:
    execute("CREATE TABLE hiring.many (id integer PRIMARY KEY)")
    execute("INSERT INTO hiring.many SELECT generate_series(1, 2500)")
    lines = body_of(client.get("/api/tables/many/rows?format=ndjson")).splitlines()
    assert [json.loads(line)["id"] for line in lines] == list(range(1, 2501))
    some = body_of(client.get("/api/tables/many/rows?format=ndjson&limit=2000&order=-id"))
    assert [json.loads(some.splitlines()[at])["id"] for at in (0, -1)] == [2500, 501]


def test_a_stream_of_no_rows_is_empty(client: Client) -> None:
    assert body_of(client.get("/api/tables/jobs/rows?format=ndjson")) == b""
    assert body_of(client.get("/api/tables/jobs/rows?format=csv")) == b"job_id,job_name\r\n"


def test_a_bad_filter_of_a_stream_is_refused_before_it_begins(extremes: Client) -> None:
    answer = extremes.get("/api/tables/every_type/rows?format=csv&address=x")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter")


def test_a_stream_gives_its_connection_back_when_it_is_left(client: Client) -> None:
    execute("CREATE TABLE hiring.many (id integer PRIMARY KEY)")
    execute("INSERT INTO hiring.many SELECT generate_series(1, 5000)")
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    before = stored(query)
    answer: Any = client.get("/api/tables/many/rows?format=ndjson")
    next(answer.streaming_content)
    answer.close()
    execute("DROP TABLE hiring.many")
    # A backend ends a moment after its client has gone.
    assert any(stored(query) <= before for _ in range(2000))
