"""/api/backups: backups, checks and restores as background runs."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from backups.models import BackupRun
from backups.runs.runs import run_backup
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
