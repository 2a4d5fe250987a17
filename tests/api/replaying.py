"""Rows that are rejected on purpose, and sent again."""

import json
from typing import Any

from django.test import Client

from ingest.models import Rejection
from tests.api.sending import send, stored


def reject(client: Client, *rows: Any, table: str = "employees") -> list[int]:
    """Send rows that are all rejected; return the ids of their rejections."""
    before = Rejection.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    assert send(client, table, list(rows)).status_code == 422
    found = Rejection.objects.filter(pk__gt=before).order_by("pk")
    return list(found.values_list("pk", flat=True))


def replay(client: Client, identifier: int, row: Any = None, query: str = "") -> Any:
    """POST to a rejection's replay, with a corrected row if there is one."""
    body = "" if row is None else row if isinstance(row, str) else json.dumps(row)
    return client.post(
        f"/api/rejections/{identifier}/replay{query}", body, content_type="application/json"
    )


def bulk(client: Client, query: str = "") -> Any:
    """POST to the replay of all that match."""
    return client.post(f"/api/rejections/replay{query}", "", content_type="application/json")


def state_of(identifier: int) -> tuple[str, Any]:
    """Return a rejection's state, and the batch that its row was sent again in."""
    rejection = Rejection.objects.get(pk=identifier)
    return rejection.state, rejection.replayed_batch_id


def employees() -> list[Any]:
    """Return what is stored of employees: number and job."""
    return stored("SELECT employee_id, job_id FROM hiring.employees ORDER BY 1")


def add_job(client: Client, number: int) -> None:
    """Store a job that rejected employees refer to."""
    assert send(client, "jobs", [{"job_id": number, "job_name": "New"}]).status_code == 201
