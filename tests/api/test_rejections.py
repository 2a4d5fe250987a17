"""GET /api/rejections, /api/rejections/{id} and POST /api/rejections/{id}/discard."""

import csv
import io
import json
from typing import Any

import pytest
from django.test import Client

from ingest.models import Rejection
from tests.api.sending import execute, send
from tests.api.tables import body_of, employee

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def rejected(hiring: Client) -> list[int]:
    """Return the ids of three rejections of one batch: no job, unknown job, no object."""
    rows = [employee(1, job_id=...), employee(2, job_id=8), 5, employee(4)]
    assert send(hiring, "employees", rows).status_code == 207
    return list(Rejection.objects.order_by("pk").values_list("pk", flat=True))


def ids(client: Client, **query: Any) -> list[int]:
    answer = client.get("/api/rejections", query)
    assert answer.status_code == 200, answer.content
    return [one["id"] for one in answer.json()["results"]]


def send_csv(client: Client, text: str) -> None:
    assert send(client, "departments", text, content_type="text/csv").status_code == 422


def test_lists_rejections_newest_first(hiring: Client, rejected: list[int]) -> None:
    answer = hiring.get("/api/rejections").json()
    assert [one["id"] for one in answer["results"]] == rejected[::-1]
    stored = Rejection.objects.get(pk=rejected[1])
    assert answer["results"][1] == {
        "id": stored.pk,
        "batch": str(stored.batch_id),
        "table": "hiring.employees",
        "index": 1,
        "line": None,
        "state": "open",
        "created_at": stored.created_at.isoformat().replace("+00:00", "Z"),
        "seen": 1,
        "last_seen": stored.created_at.isoformat().replace("+00:00", "Z"),
        "last_batch": str(stored.batch_id),
        "last_index": 1,
        "resolved_at": None,
        "replayed_batch": None,
        "errors": [
            {
                "code": "fk_violation",
                "message": "job_id is not in hiring.jobs",
                "column": "job_id",
                "columns": ["job_id"],
                "constraint": "employees_job_id_fkey",
                "value": 8,
            }
        ],
        "links": {
            "self": f"/api/rejections/{stored.pk}",
            "batch": f"/api/batches/{stored.batch_id}",
            "replayed_batch": None,
        },
    }


def test_filters_are_combined(hiring: Client, rejected: list[int]) -> None:
    missing, unknown, scalar = rejected
    first = Rejection.objects.get(pk=missing)
    send(hiring, "departments", [{"department_id": 1, "department_name": "Again"}])
    other = Rejection.objects.latest("pk")
    assert ids(hiring, code="fk_violation") == [unknown]
    assert ids(hiring, column="job_id") == [unknown, missing]
    assert ids(hiring, column="job_id", code="required_missing") == [missing]
    send(hiring, "employees", [employee(7, job_id=8, department_id=...)])
    both = Rejection.objects.latest("pk").pk
    assert ids(hiring, column="department_id", code="fk_violation") == []
    assert ids(hiring, column="job_id", code="fk_violation") == [both, unknown]
    Rejection.objects.filter(pk=both).delete()
    assert ids(hiring, table="departments") == [other.pk]
    assert ids(hiring, batch=str(first.batch_id), table="hiring.employees") == rejected[::-1]
    assert ids(hiring, since=other.created_at.isoformat()) == [other.pk]
    assert ids(hiring, until=other.created_at.isoformat()) == rejected[::-1]
    assert ids(hiring, state="discarded") == []
    hiring.post(f"/api/rejections/{scalar}/discard")
    assert ids(hiring, state="discarded") == [scalar]
    assert ids(hiring, state="open", table="employees") == [unknown, missing]


@pytest.mark.parametrize(
    "query",
    [
        {"state": "new"},
        {"batch": "5"},
        {"since": "5"},
        {"until": "2021-07-01"},
        {"codes": "x"},
        {"format": "xml"},
    ],
)
def test_refuses_a_bad_filter(client: Client, query: dict[str, str]) -> None:
    answer = client.get("/api/rejections", query)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter")


def test_pages_are_of_the_asked_size(hiring: Client, rejected: list[int]) -> None:
    first = hiring.get("/api/rejections?limit=2").json()
    second = hiring.get(first["next"]).json()
    assert [one["id"] for one in first["results"] + second["results"]] == rejected[::-1]


def test_shows_the_row_as_it_was_sent(hiring: Client) -> None:
    row = '{"department_id": 3.10, "department_name" : "A\\u00e9",\n "extra": [1]}'
    assert send(hiring, "departments", f"[{row}]").status_code == 422
    (identifier,) = ids(hiring)
    answer = hiring.get(f"/api/rejections/{identifier}")
    detail = answer.json()
    assert detail["raw"] == row
    assert b"3.10" in answer.content
    assert detail["row"] == json.loads(row)
    assert (detail["format"], detail["raw_bytes"], detail["truncated"]) == ("json", len(row), False)
    assert detail["receipt_errors"] == detail["errors"]
    assert sorted(error["code"] for error in detail["errors"]) == ["not_integer", "unknown_column"]


def test_shows_a_row_that_is_no_json_object_as_text(hiring: Client, rejected: list[int]) -> None:
    scalar = hiring.get(f"/api/rejections/{rejected[2]}").json()
    assert (scalar["raw"], scalar["row"]) == ("5", None)
    Rejection.objects.filter(pk=rejected[2]).update(raw=b'{"a": \xff', raw_bytes=7)
    broken = hiring.get(f"/api/rejections/{rejected[2]}").json()
    assert (broken["raw"], broken["row"]) == ('{"a": \\xff', None)


def test_shows_the_fields_of_a_csv_record_by_column(hiring: Client) -> None:
    send_csv(hiring, 'department_id,department_name\nx,"a, b"\n9\n')
    short, whole = (hiring.get(f"/api/rejections/{one}").json() for one in ids(hiring))
    assert (whole["raw"], whole["format"]) == ('x,"a, b"', "csv")
    assert whole["row"] == {"department_id": "x", "department_name": "a, b"}
    assert (short["raw"], short["row"]) == ("9", None)
    assert short["fields"] == whole["fields"] == ["department_id", "department_name"]


def test_says_when_only_the_beginning_of_a_row_was_kept(hiring: Client) -> None:
    row = {"department_id": 5, "department_name": "x" * 70_000}
    send(hiring, "departments", [row])
    detail = hiring.get(f"/api/rejections/{ids(hiring)[0]}").json()
    assert (len(detail["raw"]), detail["truncated"], detail["row"]) == (65536, True, None)
    assert detail["raw_bytes"] == len(json.dumps(row))


@pytest.mark.parametrize("name", ["0", "x", "99999999999999999999", "-1", "²"])
def test_an_unknown_rejection_is_404(client: Client, name: str) -> None:
    for answer in (
        client.get(f"/api/rejections/{name}"),
        client.post(f"/api/rejections/{name}/discard"),
        client.post(f"/api/rejections/{name}/replay", content_type="application/json"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "rejection_unknown")


def test_exports_all_that_match_as_csv(hiring: Client, rejected: list[int]) -> None:
    answer = hiring.get("/api/rejections?format=csv&table=employees")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    scalar, unknown, missing = csv.DictReader(io.StringIO(body_of(answer).decode()))
    assert list(missing)[:5] == list(employee(1))
    assert (missing["employee_name"], missing["job_id"]) == ("Person 1", "")
    assert (unknown["job_id"], unknown["rejection_codes"]) == ("8", "fk_violation")
    assert unknown["rejection_reasons"] == "job_id is not in hiring.jobs"
    assert (scalar["employee_id"], scalar["rejection_raw"]) == ("", "5")
    assert json.loads(missing["rejection_raw"]) == employee(1, job_id=...)
    assert missing["rejection_id"] == str(rejected[0])
    newest = hiring.get("/api/rejections?format=csv&table=employees&limit=1")
    assert list(csv.DictReader(io.StringIO(body_of(newest).decode()))) == [scalar]


def test_exports_the_fields_of_csv_records_by_column(hiring: Client) -> None:
    send_csv(hiring, 'department_id,department_name\nx,"a, b"\n9\n')
    answer = hiring.get("/api/rejections?format=csv&table=departments")
    short, whole = csv.DictReader(io.StringIO(body_of(answer).decode()))
    assert (whole["department_id"], whole["department_name"]) == ("x", "a, b")
    assert (short["department_id"], short["rejection_raw"]) == ("", "9")


def test_an_export_of_several_tables_has_no_columns_of_rows(
    hiring: Client, rejected: list[int]
) -> None:
    lines = body_of(hiring.get("/api/rejections?format=csv")).decode().splitlines()
    assert lines[0].startswith("rejection_id,rejection_batch,")
    assert len(lines) == 4


def test_disarms_formulas_only_when_asked(hiring: Client) -> None:
    send(hiring, "departments", [{"department_id": "=1+1", "department_name": "-5"}])
    address = "/api/rejections?format=csv&table=departments"
    plain = next(csv.DictReader(io.StringIO(body_of(hiring.get(address)).decode())))
    safe = next(csv.DictReader(io.StringIO(body_of(hiring.get(f"{address}&safe=true")).decode())))
    assert (plain["department_id"], safe["department_id"]) == ("=1+1", "'=1+1")
    assert safe["department_name"] == "-5"


def test_exports_the_rejections_of_a_table_that_is_gone(hiring: Client) -> None:
    execute("CREATE TABLE hiring.gone (id integer PRIMARY KEY)")
    send(hiring, "gone", [{"id": "x"}])
    execute("DROP TABLE hiring.gone")
    lines = body_of(hiring.get("/api/rejections?format=csv&table=gone")).decode().splitlines()
    assert len(lines) == 2


def test_discards_a_rejection_once(hiring: Client, rejected: list[int]) -> None:
    answer = hiring.post(f"/api/rejections/{rejected[0]}/discard")
    assert (answer.status_code, answer.json()["state"]) == (200, "discarded")
    assert answer.json()["resolved_at"] is not None
    again = hiring.post(f"/api/rejections/{rejected[0]}/discard")
    assert (again.status_code, again.json()["code"]) == (409, "rejection_not_open")
    assert again.json()["detail"] == "The rejection is discarded already"


def test_a_key_limited_to_other_tables_may_not_discard(rejected: list[int], api_key: Any) -> None:
    key = api_key("ingest", tables=["hiring.jobs"])
    limited = Client(headers={"Authorization": f"Api-Key {key}"})
    answer = limited.post(f"/api/rejections/{rejected[0]}/discard")
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    assert Rejection.objects.get(pk=rejected[0]).state == "open"
