"""/api/backups: backups, checks and restores as background runs."""

import json
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from backups.models import BackupRun
from backups.progress import NO_PROGRESS
from backups.runs import runs
from backups.runs.runs import run_backup
from project.base.errors import RowhouseError
from tests.conftest import KeyMaker
from tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("archive")


def post(client: Client, path: str, body: Any = None) -> Any:
    text = "" if body is None else json.dumps(body)
    return client.post(path, text, content_type="application/json")


def wait(client: Client, url: str) -> dict[str, Any]:
    """Poll a run as a client does, until it is over; return it."""
    wait_until(lambda: client.get(url).json()["state"] in {"done", "failed"}, f"{url} is over")
    return dict(client.get(url).json())


def execute(statement: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else None


def test_a_backup_is_made_verified_and_restored_in_the_background(client: Client) -> None:
    execute("INSERT INTO hiring.jobs VALUES (1, 'Nurse'), (2, 'Clerk')")
    answer = post(client, "/api/backups", {"tables": ["jobs"]})
    assert answer.status_code == 202
    assert answer.headers["Location"] == answer.json()["url"]
    made = wait(client, answer.json()["url"])
    assert (made["state"], made["report"], made["available"]) == ("done", {"hiring.jobs": 2}, True)
    assert (made["rows_done"], made["rows_total"]) == (2, 2)

    answer = post(client, f"{made['url']}/verify", {"restore": True})
    proven = wait(client, answer.json()["url"])
    assert (proven["state"], proven["report"]) == ("done", {"proven_rows": 2})
    assert client.get(made["url"]).json()["proven_at"] is not None

    execute("DELETE FROM hiring.jobs")
    answer = post(client, f"{made['url']}/restore", {"tables": ["jobs"], "dry_run": True})
    plan = wait(client, answer.json()["url"])["report"]["tables"][0]
    assert (plan["inserted"], plan["updated"], plan["deleted"], plan["unchanged"]) == (2, 0, 0, 0)
    assert execute("SELECT count(*) FROM hiring.jobs") == [(0,)]
    answer = post(client, f"{made['url']}/restore", {"tables": ["jobs"], "mode": "replace"})
    assert wait(client, answer.json()["url"])["state"] == "done"
    assert execute("SELECT job_name FROM hiring.jobs ORDER BY job_id") == [("Nurse",), ("Clerk",)]


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no process be started for a run: `execute` does its work here."""
    nothing = SimpleNamespace(Popen=lambda *arguments, **options: None, DEVNULL=None)
    monkeypatch.setattr("backups.runs.runs.subprocess", nothing)


def restore(client: Client, made: BackupRun, body: dict[str, Any]) -> dict[str, Any]:
    """Ask for a restore, have it done and return its run."""
    answer = post(client, f"/api/backups/{made.pk}/restore", body)
    assert answer.status_code == 202, answer.json()
    with suppress(RowhouseError):
        runs.execute_run(UUID(answer.json()["id"]), NO_PROGRESS)
    return dict(client.get(answer.json()["url"]).json())


def test_some_rows_are_restored(client: Client, in_process: None) -> None:
    execute("INSERT INTO hiring.jobs VALUES (1, 'Nurse'), (2, 'Clerk'), (3, 'Nurse')")
    made = run_backup()
    execute("DELETE FROM hiring.jobs")
    some = {"exclude": ["employees"], "where": {"job_name": "Nurse"}, "keys": [1, {"job_id": 9}]}
    plan = restore(client, made, {**some, "tables": ["jobs"], "exclude": [], "dry_run": True})
    assert plan["report"]["tables"][0]["inserted"] == 1
    assert execute("SELECT * FROM hiring.jobs") == []
    refused = restore(client, made, some)
    assert (refused["state"], refused["report"]["code"]) == ("failed", "selection_invalid")
    assert "hiring.departments: There is no column 'job_name'" in refused["error"]
    done = restore(client, made, {**some, "exclude": ["employees", "hiring.departments"]})
    assert (done["state"], done["tables"]) == ("done", ["hiring.jobs"])
    assert done["options"]["keys"] == ["1", {"job_id": "9"}]
    assert done["report"]["tables"][0]["keys_not_found"] == ["9"]
    assert execute("SELECT * FROM hiring.jobs") == [(1, "Nurse")]
    done = restore(client, made, {"tables": ["jobs"], "batch": str(uuid4())})
    assert done["report"]["code"] == "lineage_missing"


def test_a_damaged_file_keeps_no_other_table_from_being_restored(
    client: Client, archive: Path, in_process: None
) -> None:
    execute("INSERT INTO hiring.jobs VALUES (1, 'Nurse')")
    made = run_backup()
    execute("DELETE FROM hiring.jobs")
    (archive / made.folder / "hiring.departments.avro").unlink()
    done = restore(client, made, {})
    assert done["state"] == "incomplete"
    (table,) = done["report"]["not_restored"]
    assert table == "hiring.departments"
    assert table in done["error"]
    assert execute("SELECT * FROM hiring.jobs") == [(1, "Nurse")]


def test_lists_backups_newest_first(client: Client) -> None:
    made = [run_backup(tables=["jobs"]) for _ in range(2)]
    listed = client.get("/api/backups").json()
    assert [one["id"] for one in listed["results"]] == [str(run.pk) for run in reversed(made)]
    assert (listed["next"], listed["previous"]) == (None, None)
    older = client.get(f"/api/backups?before={made[1].pk}").json()["results"]
    assert [one["id"] for one in older] == [str(made[0].pk)]


def test_a_backup_that_this_database_does_not_know_is_listed(client: Client) -> None:
    made = run_backup(tables=["jobs"])
    execute("DELETE FROM service.backup_run")
    (listed,) = client.get("/api/backups").json()["results"]
    assert (listed["id"], listed["state"], listed["available"]) == (str(made.pk), "done", True)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"tables": ["nothing"]}, 404, "table_unknown"),
        ({"tables": "jobs"}, 400, "bad_shape"),
        ({"table": ["jobs"]}, 400, "bad_shape"),
        ({"codec": "rot13"}, 400, "bad_shape"),
    ],
)
def test_refuses_a_backup_that_cannot_be_meant(
    client: Client, body: Any, status: int, code: str
) -> None:
    answer = post(client, "/api/backups", body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    "path", ["not-a-uuid", "00000000-0000-0000-0000-000000000000", "..%2f..%2fetc"]
)
def test_an_unknown_backup_is_not_found(client: Client, path: str) -> None:
    for answer in (
        client.get(f"/api/backups/{path}"),
        post(client, f"/api/backups/{path}/verify"),
        post(client, f"/api/backups/{path}/restore", {"tables": ["jobs"]}),
    ):
        assert (answer.status_code, answer.json()["code"]) in [
            (404, "backup_unknown"),
            (404, "not_found"),
        ]


def test_refuses_a_restore_that_cannot_be_meant(client: Client) -> None:
    made = run_backup(tables=["jobs"])
    path = f"/api/backups/{made.pk}/restore"
    assert post(client, path, {"tables": ["departments"]}).status_code == 400
    assert post(client, path, {"mode": "sideways"}).status_code == 400
    assert post(client, path, {"mode": "new"}).json()["code"] == "bad_parameter"
    both = {"tables": ["jobs"], "exclude": ["jobs"]}
    assert post(client, path, both).json()["code"] == "bad_parameter"
    assert post(client, path, {"exclude": ["jobs"]}).json()["detail"] == "No table is left"
    for body in ({"where": {"n": 1.5}}, {"where": ["n=1"]}, {"keys": "1"}, {"batch": "last"}):
        assert post(client, path, body).json()["code"] == "bad_shape"


def test_needs_the_scope_backup(archive: Path, api_key: KeyMaker) -> None:
    reader = Client(headers={"Authorization": f"Api-Key {api_key('read')}"})
    assert reader.get("/api/backups").status_code == 200
    assert post(reader, "/api/backups").status_code == 403
    assert post(Client(), "/api/backups").status_code == 401


def test_no_more_runs_than_eight_are_under_way_at_once(client: Client) -> None:
    now = timezone.now()
    BackupRun.objects.bulk_create(
        BackupRun(id=uuid4(), kind=BackupRun.Kind.BACKUP, created_at=now) for _ in range(8)
    )
    answer = post(client, "/api/backups")
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_runs")
    assert int(answer["Retry-After"]) > 0
    assert BackupRun.objects.count() == 8
    BackupRun.objects.update(created_at=now - timedelta(minutes=3))  # nobody has begun them
    assert post(client, "/api/backups", {"tables": ["jobs"]}).status_code == 202
    url = f"/api/backups/{BackupRun.objects.latest('created_at').pk}"
    assert wait(client, url)["state"] == "done"
