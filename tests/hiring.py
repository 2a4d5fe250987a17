"""The shared hiring data, sent to the ingest endpoint as a loader would send it."""

import csv
import json
from pathlib import Path

from django.conf import settings
from django.test import Client

from tests.needs import need

FOLDER: Path = settings.BASE_DIR.parent / "shared" / "data" / "hiring"
TABLES = ("departments", "jobs", "employees")
BATCH_ROWS = 1000


def load_hiring(client: Client) -> None:
    """Send every row of the three files; 70 employees lack a value and are rejected."""
    need(FOLDER.is_dir(), f"the shared hiring data is not at {FOLDER}")
    for table in TABLES:
        with (FOLDER / f"{table}.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, skipinitialspace=True))
        for start in range(0, len(rows), BATCH_ROWS):
            send(client, table, rows[start : start + BATCH_ROWS])


def send(client: Client, table: str, rows: list[dict[str, str]]) -> dict[str, object]:
    """Send one batch; return its receipt."""
    body = json.dumps([{name.lower(): value for name, value in row.items()} for row in rows])
    answer = client.post(f"/api/ingest/{table}", body, content_type="application/json")
    assert answer.status_code in {201, 207}, answer.content
    receipt: dict[str, object] = answer.json()
    return receipt


def send_small(client: Client) -> None:
    """Send three departments, one job and six hires of 2021: 4 in Sales, 2 in Legal, 0 in IT."""
    names = {1: "Sales", 2: "Legal", 3: "IT"}
    departments = [
        {"department_id": str(number), "department_name": name} for number, name in names.items()
    ]
    send(client, "departments", departments)
    send(client, "jobs", [{"job_id": "7", "job_name": "Clerk"}])
    hires = [(1, "01-01"), (1, "03-31"), (1, "04-01"), (1, "12-31"), (2, "07-15"), (2, "10-01")]
    send(client, "employees", [hire(n, dep, day) for n, (dep, day) in enumerate(hires, start=1)])


def hire(number: int, department: int, day: str, year: int = 2021) -> dict[str, str]:
    """Return one employee's row."""
    return {
        "employee_id": str(number),
        "employee_name": f"Person {number}",
        "hire_date": f"{year}-{day}T12:00:00Z",
        "department_id": str(department),
        "job_id": "7",
    }
