"""POST /api/ingest/{table} with JSON bodies."""

import json
from typing import Any

import pytest
from django.test import Client

from tests.api.sending import codes, send, stored

pytestmark = pytest.mark.usefixtures("database")

DEPARTMENTS = [{"department_id": 1, "department_name": "Sales"}]
JOBS = [{"job_id": 7, "job_name": "Clerk"}]


def employee(number: int, **changes: Any) -> dict[str, Any]:
    row = {
        "employee_id": number,
        "employee_name": f"Person {number}",
        "hire_date": "2021-07-27T16:02:08Z",
        "department_id": 1,
        "job_id": 7,
    }
    return {key: value for key, value in (row | changes).items() if value is not ...}


@pytest.fixture
def hiring(client: Client) -> Client:
    assert send(client, "departments", DEPARTMENTS).status_code == 201
    assert send(client, "jobs", JOBS).status_code == 201
    return client


def test_stores_every_row_of_a_clean_batch(hiring: Client) -> None:
    answer = send(hiring, "employees", [employee(1), employee(2)])
    receipt = answer.json()
    assert answer.status_code == 201, receipt
    assert (receipt["table"], receipt["received"], receipt["inserted"]) == (
        "hiring.employees",
        2,
        2,
    )
    assert receipt["rejections"] == []
    assert stored("SELECT employee_id FROM hiring.employees ORDER BY 1") == [(1,), (2,)]


def test_lists_every_error_of_every_bad_row_and_stores_the_others(hiring: Client) -> None:
    rows = [
        employee(1),
        employee(2, job_id=..., department_id=99999999999),
        employee(1),
        employee(4, department_id=99, extra=1),
        "no row",
        employee(5, hire_date="2021-02-30T00:00:00Z", employee_name=""),
        employee(6, job_id=8, department_id=99),
    ]
    answer = send(hiring, "hiring.employees", rows)
    receipt = answer.json()
    assert answer.status_code == 207
    assert (receipt["received"], receipt["inserted"], receipt["rejected"]) == (7, 1, 6)
    assert codes(receipt) == {
        1: [("out_of_range", "department_id"), ("required_missing", "job_id")],
        2: [("duplicate_in_batch", None)],
        3: [("fk_violation", "department_id"), ("unknown_column", "extra")],
        4: [("row_not_object", None)],
        5: [("bad_timestamp", "hire_date"), ("required_missing", "employee_name")],
        6: [("fk_violation", "department_id"), ("fk_violation", "job_id")],
    }
    assert receipt["rejections"][0]["errors"][0]["value"] == 99999999999
    assert receipt["rejections"][1]["errors"][0]["first_index"] == 0
    again = hiring.get(f"/api/batches/{receipt['batch']}")
    assert again.json() == receipt
    raw = stored("SELECT \"index\", convert_from(raw, 'UTF8') FROM service.rejection ORDER BY 1")
    assert [(index, json.loads(text)) for index, text in raw] == [
        (index, row) for index, row in enumerate(rows) if index != 0
    ]


def test_a_repeated_idempotency_key_stores_nothing_twice(hiring: Client) -> None:
    rows = [employee(1), employee(2, job_id=5)]
    headers = {"Idempotency-Key": "load-1"}
    first = send(hiring, "employees", rows, **headers)
    second = send(hiring, "employees", rows, **headers)
    assert (first.status_code, second.status_code) == (207, 207)
    assert second.headers["Idempotency-Replayed"] == "true"
    assert first.json() == second.json()
    other = send(hiring, "employees", [employee(3)], **headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert stored("SELECT employee_id FROM hiring.employees") == [(1,)]


def test_names_fifty_unknown_columns_of_a_row_and_counts_the_others(hiring: Client) -> None:
    row = json.dumps({f"no {n}": None for n in range(50_000)})
    answer = send(hiring, "jobs", f"[{','.join([row] * 8)}]")
    receipt = answer.json()
    assert (answer.status_code, receipt["rejected"]) == (422, 8)
    errors = receipt["rejections"][7]["errors"]
    unknown = [error for error in errors if error["code"] == "unknown_column"]
    assert [error["column"] for error in unknown[:-1]] == [f"no {n}" for n in range(50)]
    assert unknown[-1]["message"] == "49950 more are no columns of hiring.jobs"
    assert {error["code"] for error in errors} == {"required_missing", "unknown_column"}
    assert len(answer.content) < 100_000
