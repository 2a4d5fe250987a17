"""Receipts and rejections restored: whole, by the command line alone, after a question."""

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from backups.errors import RestoreRefused, ServiceTablesProtected
from backups.restore.plan import RestoreRequest
from backups.restore.restore import restore_backup
from backups.runs.runs import run_backup
from backups.store.archive import find_backup
from tests.api.test_backups import wait
from tests.integration.backups.tables import ask, run

pytestmark = pytest.mark.usefixtures("scratch")

BOTH = ("service.batch", "service.rejection")
WITH_JOBS = ["hiring.jobs", *BOTH]


def send(client: Client, key: str, row: dict[str, Any]) -> Any:
    return client.post(
        "/api/ingest/hiring.jobs",
        json.dumps([row]),
        content_type="application/json",
        headers={"Idempotency-Key": key},
    )


@pytest.fixture
def undo_service() -> Any:
    yield
    run("DROP SCHEMA IF EXISTS undo_service CASCADE")


def test_the_api_restores_no_receipts(client: Client) -> None:
    made = run_backup(tables=WITH_JOBS)
    url = f"/api/backups/{made.pk}/restore"
    for tables in (["service.batch"], ["hiring.jobs", "rejection"], list(BOTH)):
        answer = client.post(url, {"tables": tables}, content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (403, "service_tables_protected")
    answer = client.post(url, {"dry_run": True}, content_type="application/json")
    assert answer.json()["tables"] == ["hiring.jobs"]
    assert answer.json()["options"]["left_out"] == list(BOTH)
    assert wait(client, answer.json()["url"])["state"] == "done"


def test_a_backup_of_receipts_alone_has_nothing_for_the_api(client: Client) -> None:
    made = run_backup(tables=list(BOTH))
    answer = client.post(f"/api/backups/{made.pk}/restore", {}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (403, "service_tables_protected")


def test_receipts_are_restored_together_or_not_at_all() -> None:
    backup = find_backup(str(run_backup(tables=WITH_JOBS).pk))
    with pytest.raises(ServiceTablesProtected):
        restore_backup(backup, RestoreRequest(tables=BOTH))
    for request in (
        RestoreRequest(tables=["service.batch"], with_service=True),
        RestoreRequest(tables=["rejection", "hiring.jobs"], with_service=True),
        RestoreRequest(tables=BOTH, mode="append", with_service=True),
        RestoreRequest(tables=["batch"], mode="new", into="other", with_service=True),
    ):
        with pytest.raises(RestoreRefused, match="together"):
            restore_backup(backup, request)


def test_no_key_leads_to_a_receipt_that_is_gone(client: Client, undo_service: None) -> None:
    before = send(client, "before", {"job_id": 1, "job_name": "Nurse"})
    backup = find_backup(str(run_backup(tables=WITH_JOBS).pk))
    rejected = send(client, "later", {"job_id": "x"})
    assert (before.json()["inserted"], rejected.json()["rejected"]) == (1, 1)
    call_command("restore", *BOTH, "--from", str(backup.id), "--yes")
    assert ask("SELECT count(*) FROM service.rejection") == [(0,)]
    again = send(client, "before", {"job_id": 1, "job_name": "Nurse"})
    assert again.json()["batch"] == before.json()["batch"]
    assert ask("SELECT key FROM service.idempotency_key") == [("before",)]
    anew = send(client, "later", {"job_id": "x"})
    assert (anew.status_code, anew.json()["rejected"]) == (rejected.status_code, 1)
    with pytest.raises(ServiceTablesProtected):
        restore_backup(backup, RestoreRequest(tables=BOTH))


def test_undone_receipts_come_back_with_their_keys(client: Client, undo_service: None) -> None:
    backup = find_backup(str(run_backup(tables=WITH_JOBS).pk))
    stored = send(client, "later", {"job_id": 1, "job_name": "Nurse"})
    call_command("restore", *BOTH, "--from", str(backup.id), "--yes")
    assert ask("SELECT count(*) FROM service.idempotency_key") == [(0,)]
    with pytest.raises(RestoreRefused, match="together"):
        call_command("restore", "service.batch", "--undo", "--yes")
    call_command("restore", *BOTH, "--undo", "--yes")
    again = send(client, "later", {"job_id": 1, "job_name": "Nurse"})
    assert again.json() == stored.json()


def test_the_command_asks_before_it_replaces_receipts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = ["--all", "--from", str(run_backup(tables=WITH_JOBS).pk)]
    run("INSERT INTO hiring.jobs VALUES (1, 'Nurse')")
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    for arguments in (whole, [*BOTH], [*BOTH, "--undo"], ["batch", "--undo"]):
        with pytest.raises(CommandError, match="say --yes"):
            call_command("restore", *arguments)
    asked: list[str] = []

    def refuse(question: str) -> str:
        asked.append(question)
        return "no"

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", refuse)
    with pytest.raises(CommandError, match="nothing was restored"):
        call_command("restore", *whole)
    assert "service.batch, service.rejection" in asked[0]
    assert ask("SELECT count(*) FROM hiring.jobs") == [(1,)]
    call_command("restore", *whole, "--dry-run")
    assert len(asked) == 1
