"""A row that is rejected again for the same reasons is the rejection that there is already."""

from typing import Any

import pytest
from django.test import Client

from ingest.models import Rejection
from tests.api.replaying import replay
from tests.api.sending import send, stored
from tests.api.tables import employee

pytestmark = pytest.mark.usefixtures("database")

BAD = [employee(1, job_id=8), employee(2, job_id=...), employee(3, job_id="x")]


def shown(client: Client, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"/api/rejections{query}").json()["results"]
    return found


def test_a_reload_adds_no_rejections_and_its_receipt_lists_its_own(hiring: Client) -> None:
    receipts = [send(hiring, "employees", BAD).json() for _ in range(3)]
    assert len({receipt["batch"] for receipt in receipts}) == 3
    found = shown(hiring)
    assert [one["seen"] for one in found] == [3, 3, 3]
    assert {one["batch"] for one in found} == {receipts[0]["batch"]}
    assert all(one["last_seen"] > one["created_at"] for one in found)
    for receipt in receipts:
        kept = hiring.get(f"/api/batches/{receipt['batch']}").json()
        assert kept["rejections"] == receipt["rejections"]
    for receipt in (receipts[0], receipts[-1]):
        assert len(shown(hiring, f"?batch={receipt['batch']}")) == 3


def test_a_row_among_others_is_known(hiring: Client) -> None:
    send(hiring, "employees", BAD[:1])
    batch = send(hiring, "employees", [employee(9), *BAD]).json()["batch"]
    found = shown(hiring)
    assert [(one["index"], one["seen"]) for one in found] == [(3, 1), (2, 1), (0, 2)]
    assert [one["last_index"] for one in found] == [3, 2, 1]
    assert {one["last_batch"] for one in found} == {batch}


def test_other_reasons_another_table_or_other_fields_are_another_rejection(hiring: Client) -> None:
    send(hiring, "employees", [employee(1, job_id=8, department_id=9)])
    send(hiring, "departments", [{"department_id": 9, "department_name": "Nine"}])
    send(hiring, "employees", [employee(1, job_id=8, department_id=9)])
    for header in ("department_id,department_name", "department_name,department_id"):
        send(hiring, "departments", f"{header}\nx,y\n", content_type="text/csv")
    assert {one["seen"] for one in shown(hiring)} == {1}


def test_equal_rows_of_a_batch_are_rejections_of_their_own(hiring: Client) -> None:
    for _ in range(2):
        send(hiring, "employees", [5, 5, 5])
    assert [one["seen"] for one in shown(hiring)] == [2, 2, 2]


def test_a_closed_rejection_is_not_opened_again(hiring: Client) -> None:
    send(hiring, "employees", BAD[:1])
    (first,) = shown(hiring)
    hiring.post(f"/api/rejections/{first['id']}/discard")
    send(hiring, "employees", BAD[:1])
    assert [one["state"] for one in shown(hiring)] == ["open", "discarded"]


def test_a_rejection_keeps_its_identity_when_a_replay_finds_other_reasons(hiring: Client) -> None:
    send(hiring, "employees", [employee(1, job_id=8, department_id=9)])
    send(hiring, "departments", [{"department_id": 9, "department_name": "Nine"}])
    (first,) = shown(hiring)
    assert replay(hiring, first["id"]).status_code == 422
    send(hiring, "employees", [employee(1, job_id=8, department_id=9)])
    assert [(one["id"], one["seen"]) for one in shown(hiring)] == [(first["id"], 2)]


def test_a_trial_is_not_a_sighting(hiring: Client) -> None:
    send(hiring, "employees", BAD[:1])
    send(hiring, "employees", BAD[:1], "?dry_run=true")
    assert [one["seen"] for one in shown(hiring)] == [1]
    assert Rejection.objects.count() == 1
    assert stored("SELECT count(*) FROM service.batch") == [(4,)]
