"""POST /api/rejections/{id}/replay."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from ingest.models import Batch, Rejection
from tests.api.replaying import add_job, bulk, employees, reject, replay, state_of
from tests.api.sending import codes, execute, send, stored
from tests.api.tables import employee

pytestmark = pytest.mark.usefixtures("database")


def test_stores_a_corrected_row_and_links_the_rejection_to_its_batch(hiring: Client) -> None:
    (identifier,) = reject(hiring, employee(1, job_id=...))
    answer = replay(hiring, identifier, employee(1))
    receipt = answer.json()
    assert answer.status_code == 201, receipt
    assert receipt == {
        "batch": receipt["batch"],
        "table": "hiring.employees",
        "received": 1,
        "inserted": 1,
        "updated": 0,
        "ignored": 0,
        "rejected": 0,
        "duration_ms": receipt["duration_ms"],
        "dry_run": False,
        "rejections": [],
    }
    assert employees() == [(1, 7)]
    detail = hiring.get(f"/api/rejections/{identifier}").json()
    assert (detail["state"], detail["replayed_batch"]) == ("replayed", receipt["batch"])
    assert detail["links"]["replayed_batch"] == f"/api/batches/{receipt['batch']}"
    assert detail["row"] == employee(1, job_id=...)
    assert Batch.objects.get(pk=receipt["batch"]).format == "replay"
    assert hiring.get(f"/api/batches/{receipt['batch']}").json() == receipt


def test_stores_a_row_as_it_was_once_what_it_refers_to_is_there(hiring: Client) -> None:
    (identifier,) = reject(hiring, employee(1, job_id=8))
    add_job(hiring, 8)
    assert replay(hiring, identifier).status_code == 201
    assert (employees(), state_of(identifier)[0]) == ([(1, 8)], "replayed")


def test_a_row_that_fails_again_stays_the_one_open_rejection_with_new_reasons(
    hiring: Client,
) -> None:
    execute("CREATE TABLE hiring.things (id integer PRIMARY KEY, parent integer, size integer)")
    (identifier,) = reject(hiring, {"id": "x", "size": 1}, table="things")
    first = hiring.get(f"/api/rejections/{identifier}").json()
    execute("ALTER TABLE hiring.things DROP COLUMN size")
    answer = replay(hiring, identifier)
    receipt = answer.json()
    assert (answer.status_code, receipt["received"], receipt["rejected"]) == (422, 1, 1)
    detail = hiring.get(f"/api/rejections/{identifier}").json()
    assert detail["state"] == "open"
    assert [e["code"] for e in detail["errors"]] == ["unknown_column", "not_integer"]
    assert detail["errors"] == receipt["rejections"][0]["errors"]
    assert detail["receipt_errors"] == first["errors"]
    assert Rejection.objects.count() == 1
    assert hiring.get("/api/rejections?code=unknown_column").json()["results"] != []
    assert hiring.get(f"/api/batches/{receipt['batch']}").json() == receipt
    original = hiring.get(first["links"]["batch"]).json()
    assert original["rejections"][0]["errors"] == first["errors"]


def test_a_corrected_row_that_fails_leaves_the_rejection_as_it_was(hiring: Client) -> None:
    (identifier,) = reject(hiring, employee(1, job_id=...))
    before = hiring.get(f"/api/rejections/{identifier}").json()
    answer = replay(hiring, identifier, employee(1, job_id=8))
    assert answer.status_code == 422
    assert answer.json()["rejections"][0]["errors"][0]["code"] == "fk_violation"
    assert hiring.get(f"/api/rejections/{identifier}").json() == before
    assert (employees(), Rejection.objects.count()) == ([], 1)


def test_a_rejection_is_replayed_only_once(hiring: Client) -> None:
    (identifier,) = reject(hiring, employee(1, job_id=...))
    assert replay(hiring, identifier, employee(1)).status_code == 201
    again = replay(hiring, identifier, employee(2))
    assert (again.status_code, again.json()["code"]) == (409, "rejection_not_open")
    assert employees() == [(1, 7)]


def test_a_discarded_rejection_is_not_replayed(hiring: Client) -> None:
    (identifier,) = reject(hiring, employee(1, job_id=...))
    hiring.post(f"/api/rejections/{identifier}/discard")
    answer = replay(hiring, identifier, employee(1))
    assert (answer.status_code, answer.json()["code"]) == (409, "rejection_not_open")
    assert employees() == []


def test_a_row_of_which_only_the_beginning_was_kept_must_be_sent_whole(hiring: Client) -> None:
    (identifier,) = reject(
        hiring, {"department_id": 5, "department_name": "x" * 70_000}, table="departments"
    )
    answer = replay(hiring, identifier)
    assert (answer.status_code, answer.json()["code"]) == (409, "raw_truncated")
    row = {"department_id": 5, "department_name": "x"}
    assert replay(hiring, identifier, row).status_code == 201


CSV = (
    b"Employee_ID,employeename,hire date,department_id,JOB_ID\n"
    b'1,"Ada ""Countess"", of L.",2021-07-27T16:02:08Z,1,8\n'
    b"2,short,2021-07-27T16:02:08Z\n"
    b"3,Bob,no date,1,\n"
)


def test_a_csv_record_is_sent_again_as_it_was(hiring: Client) -> None:
    send(hiring, "employees", CSV, content_type="text/csv")
    fine, short, bad = Rejection.objects.order_by("index").values_list("pk", flat=True)
    send(hiring, "jobs", [{"job_id": 8, "job_name": "Poet"}])
    assert replay(hiring, fine).status_code == 201
    assert stored("SELECT employee_id, employee_name, job_id FROM hiring.employees") == [
        (1, 'Ada "Countess", of L.', 8)
    ]
    answer = replay(hiring, short)
    assert (answer.status_code, answer.json()["code"]) == (409, "raw_unreadable")
    assert replay(hiring, short, employee(2)).status_code == 201
    again = replay(hiring, bad)
    assert again.status_code == 422
    assert codes(again.json()) == {
        0: [("bad_timestamp", "hire_date"), ("required_missing", "job_id")]
    }


MADE = """
    CREATE TABLE hiring.made (
        id int PRIMARY KEY, flag boolean, numbers int[], doc jsonb, s text DEFAULT 'x', note text)
"""


def reject_record(client: Client, record: str, query: str = "") -> int:
    """Send a CSV record that is rejected for its id; return the id of its rejection."""
    execute("DROP TABLE IF EXISTS hiring.made")
    execute(MADE)
    body = f"id,flag,numbers,doc,s,note\n{record}\n"
    assert send(client, "made", body, query, content_type="text/csv").status_code == 422
    return Rejection.objects.latest("pk").pk


def made_row() -> Any:
    (row,) = stored("SELECT id, flag, numbers, doc::text, s, note FROM hiring.made")
    return row


NULLS = "?null=NA&null=%5CN"
RECORD = 'one,t,"{1,2}","[1.50]","",NA'


def test_a_csv_record_is_read_again_as_in_its_file(client: Client) -> None:
    for record, row in [
        ('"1",,,,"",', (1, None, None, None, "", None)),
        (r'1,NA,\N,NA,NA,"NA"', (1, None, None, None, None, "NA")),
        ('1,T,"{3}","""NA""",,""', (1, True, [3], '"NA"', "x", "")),
    ]:
        identifier = reject_record(client, record.replace("1", "x", 1), NULLS)
        raw = record.encode()
        Rejection.objects.filter(pk=identifier).update(raw=raw, raw_bytes=len(raw))
        assert replay(client, identifier).status_code == 201
        assert made_row() == row


def test_a_csv_record_is_shown_with_what_it_lacks_left_out(client: Client) -> None:
    identifier = reject_record(client, 'x,,"",NA,"NA",""', NULLS)
    shown = client.get(f"/api/rejections/{identifier}").json()
    assert shown["row"] == {"id": "x", "numbers": "", "doc": None, "s": "NA", "note": ""}


def test_a_csv_record_is_corrected_as_its_fields(client: Client) -> None:
    identifier = reject_record(client, RECORD, NULLS)
    row = client.get(f"/api/rejections/{identifier}").json()["row"]
    assert replay(client, identifier, row | {"id": "1"}).status_code == 201
    assert made_row() == (1, True, [1, 2], "[1.50]", "", None)


def test_a_csv_record_is_corrected_as_a_record(client: Client) -> None:
    identifier = reject_record(client, RECORD, NULLS)
    address = f"/api/rejections/{identifier}/replay"
    for body, status, code in [
        ("1,t", 400, "csv_syntax"),
        ('1,t,"', 400, "csv_syntax"),
        (f"{RECORD}\n{RECORD}", 400, "bad_shape"),
    ]:
        answer = client.post(address, body, content_type="text/csv")
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    corrected = RECORD.replace("one", "1")  # which the client encodes
    answer = client.post(address, corrected, content_type="text/csv; charset=utf-16")
    assert answer.status_code == 201, answer.json()
    assert made_row() == (1, True, [1, 2], "[1.50]", "", None)


def test_a_csv_record_is_corrected_as_a_row_of_json(client: Client) -> None:
    identifier = reject_record(client, RECORD, NULLS)
    answer = replay(client, identifier, {"id": 1, "doc": "[1]", "numbers": [3], "flag": False})
    assert answer.status_code == 201, answer.json()
    assert made_row() == (1, False, [3], '"[1]"', "x", None)


def test_fields_that_are_wrong_again_are_told_as_they_were_sent(client: Client) -> None:
    identifier = reject_record(client, RECORD)
    answer = replay(client, identifier, {"id": "1", "flag": "maybe", "doc": "{", "what": "x"})
    (rejection,) = answer.json()["rejections"]
    assert [(e["code"], e.get("value")) for e in rejection["errors"]] == [
        ("unknown_column", None),
        ("not_boolean", "maybe"),
        ("bad_json", "{"),
    ]
    for text in ('{"id": "1", "id": "2"}', '{"id": "\\ud800"}', '{"id": "1", "s": "a\\u0000"}'):
        assert replay(client, identifier, text).status_code == 422


def test_a_kept_text_that_is_no_json_is_rejected_again(hiring: Client) -> None:
    (identifier,) = reject(hiring, employee(1, job_id=...))
    Rejection.objects.filter(pk=identifier).update(raw=b'{"a": ', raw_bytes=6)
    answer = replay(hiring, identifier)
    assert answer.status_code == 422
    (rejection,) = answer.json()["rejections"]
    assert (rejection["line"], rejection["errors"][0]["code"]) == (None, "bad_json")
    assert state_of(identifier)[0] == "open"


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        ("[1]", "application/json", 400, "bad_shape"),
        ("{", "application/json", 400, "json_syntax"),
        (b"\xff", "application/json", 400, "bad_utf8"),
        ("{}", "text/csv", 415, "unsupported_media_type"),
        (" ", "application/json", 400, "body_empty"),
    ],
)
def test_refuses_a_bad_body(
    hiring: Client, body: Any, content_type: str, status: int, code: str
) -> None:
    (identifier,) = reject(hiring, employee(1, job_id=...))
    answer = hiring.post(f"/api/rejections/{identifier}/replay", body, content_type=content_type)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert state_of(identifier) == ("open", None)


def test_a_row_whose_key_is_taken_can_be_replayed_as_an_update(hiring: Client) -> None:
    send(hiring, "employees", [employee(1)])
    (identifier,) = reject(hiring, employee(1, employee_name="New name"))
    assert replay(hiring, identifier).status_code == 422
    answer = replay(hiring, identifier, query="?on_conflict=update")
    assert (answer.status_code, answer.json()["updated"]) == (201, 1)
    assert stored("SELECT employee_name FROM hiring.employees") == [("New name",)]
    refused = replay(hiring, identifier, query="?dry_run=true")
    assert refused.json()["code"] == "bad_parameter"


def test_an_update_leaves_the_columns_alone_that_the_row_does_not_bring(client: Client) -> None:
    execute("CREATE TABLE hiring.things (id integer PRIMARY KEY, size integer, note text)")
    execute("INSERT INTO hiring.things VALUES (1, 5, 'kept')")
    (identifier,) = reject(client, {"id": "x"}, table="things")
    answer = replay(client, identifier, {"id": 1, "size": 6}, "?on_conflict=update")
    assert (answer.status_code, answer.json()["updated"]) == (201, 1)
    assert stored("SELECT size, note FROM hiring.things") == [(6, "kept")]


def test_a_table_that_is_gone_is_404(hiring: Client) -> None:
    execute("CREATE TABLE hiring.gone (id integer PRIMARY KEY)")
    (identifier,) = reject(hiring, {"id": "x"}, table="gone")
    execute("DROP TABLE hiring.gone")
    answer = replay(hiring, identifier, {"id": 1})
    assert (answer.status_code, answer.json()["code"]) == (404, "table_unknown")


def test_a_deferred_constraint_that_fails_at_the_commit_keeps_the_rejection_open(
    hiring: Client,
) -> None:
    execute(
        "CREATE TABLE hiring.parts (id integer PRIMARY KEY, whole integer"
        " REFERENCES hiring.parts DEFERRABLE INITIALLY DEFERRED)"
    )
    (identifier,) = reject(hiring, {"id": "x", "whole": 9}, table="parts")
    answer = replay(hiring, identifier, {"id": 1, "whole": 9})
    assert (answer.status_code, answer.json()["rejections"][0]["errors"][0]["code"]) == (
        422,
        "fk_violation",
    )
    assert (stored("SELECT * FROM hiring.parts"), state_of(identifier)[0]) == ([], "open")


def test_needs_the_scope_ingest_for_the_table(hiring: Client, api_key: Callable[..., str]) -> None:
    (identifier,) = reject(hiring, employee(1, job_id=...))
    for key in (api_key("read"), api_key("ingest", tables=["hiring.jobs"])):
        client = Client(headers={"Authorization": f"Api-Key {key}"})
        for answer in (replay(client, identifier, employee(1)), bulk(client)):
            assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    assert state_of(identifier) == ("open", None)
