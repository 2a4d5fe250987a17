"""manage.py load against the service itself, with the hiring data other people published."""

import csv
import gzip
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from psycopg.sql import SQL, Identifier

from ingest.loaders.client import IngestClient
from ingest.management.commands.load import Command

HIRING = settings.BASE_DIR.parent / "shared" / "data" / "hiring"

pytestmark = pytest.mark.skipif(not HIRING.exists(), reason=f"the data in {HIRING} is not there")

WITH_HEADER = {
    "departments": HIRING / "departments.csv",
    "jobs": HIRING / "jobs.csv",
    "employees": HIRING / "employees.csv",
}
WITHOUT_HEADER = {
    "departments": HIRING / "original" / "departments.csv",
    "jobs": HIRING / "original" / "jobs.csv",
    "employees": HIRING / "original" / "hired_employees.csv",
}
MISSING = {"department_id": 21, "employee_name": 19, "job_id": 16, "hire_date": 14}

Load = Callable[..., int]


@pytest.fixture
def load(server: str, api_key: Callable[..., str]) -> Load:
    """Return a function that runs `manage.py load` and returns its exit code."""
    key = api_key("read", "ingest")

    def run(*arguments: str) -> int:
        argv = ["manage.py", "load", *arguments, "--url", server, "--key", key, "--quiet"]
        try:
            Command().run_from_argv(argv)
        except SystemExit as leaving:
            return int(leaving.code or 0)
        return 0

    return run


def count_rows(table: str) -> int:
    with connection.cursor() as cursor:
        question = SQL("SELECT count(*) FROM {}").format(Identifier("hiring", table))
        cursor.execute(question.as_string())
        return int(cursor.fetchone()[0])


def stored_employees() -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM hiring.employees ORDER BY employee_id")
        return list(cursor.fetchall())


@pytest.mark.parametrize(
    ("files", "options"), [(WITH_HEADER, []), (WITHOUT_HEADER, ["--no-header"])]
)
def test_the_hiring_files_are_loaded_and_each_reject_names_its_missing_column(
    load: Load, tmp_path: Path, files: dict[str, Path], options: list[str]
) -> None:
    rejects = tmp_path / "rejects.csv"
    assert load("departments", str(files["departments"]), *options) == 0
    assert load("jobs", str(files["jobs"]), *options) == 0
    arguments = ["hiring.employees", str(files["employees"]), "--rejects", str(rejects)]
    assert load(*arguments, *options, "--batch-size", "100") == 3
    assert [count_rows(table) for table in files] == [12, 183, 1929]
    with rejects.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["_codes"] for row in rows} == {"required_missing"}
    assert Counter(row["_errors"].split()[0] for row in rows) == MISSING
    lines = files["employees"].read_text().splitlines()
    for row in rows:
        fields = [value for title, value in row.items() if not title.startswith("_")]
        assert lines[int(row["_line"]) - 1].split(",") == fields


def test_the_same_rows_are_stored_from_every_format(load: Load, tmp_path: Path) -> None:
    assert load("departments", str(WITH_HEADER["departments"])) == 0
    assert load("jobs", str(WITH_HEADER["jobs"])) == 0
    assert load("employees", str(WITH_HEADER["employees"])) == 3
    expected = stored_employees()
    with WITH_HEADER["employees"].open(newline="") as file:
        rows = [
            {title.lower(): value for title, value in row.items()} for row in csv.DictReader(file)
        ]
    contents = {
        "employees.ndjson": "".join(json.dumps(row) + "\n" for row in rows),
        "employees.json": json.dumps({"rows": rows}, indent=1),
        "employees.json.gz": json.dumps(rows),
    }
    for name, content in contents.items():
        path = tmp_path / name
        data = content.encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM hiring.employees")
        assert load("employees", str(path)) == 3
        assert stored_employees() == expected


def test_a_line_that_is_no_json_is_rejected_alone(load: Load, tmp_path: Path) -> None:
    path, rejects = tmp_path / "jobs.ndjson", tmp_path / "rejects.ndjson"
    lines = ['{"job_id": 1, "job_name": "A"}', '{"job_id": 2,', '{"job_id": 3, "job_name": "C"}']
    path.write_text("\n".join(lines))
    assert load("jobs", str(path), "--rejects", str(rejects)) == 3
    assert count_rows("jobs") == 2
    (rejected,) = map(json.loads, rejects.read_text().splitlines())
    assert (rejected["line"], rejected["row"]) == (2, lines[1])
    assert [error["code"] for error in rejected["errors"]] == ["bad_json"]


def test_a_second_load_ignores_what_is_stored(load: Load) -> None:
    path = str(WITH_HEADER["jobs"])
    assert load("jobs", path) == 0
    assert load("jobs", path) == 3
    assert load("jobs", path, "--on-conflict", "ignore") == 0
    assert count_rows("jobs") == 183


def test_another_key_may_settle_conflicts_and_extra_fields_be_left_out(
    load: Load, tmp_path: Path
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE hiring.made (id int PRIMARY KEY, code text UNIQUE, n int)")
    path = tmp_path / "made.csv"
    path.write_text("id,code,n,note\n1,a,1,x\n2,a,2,y\n")
    assert load("made", str(path), "--extra", "ignore") == 3
    update = ("--on-conflict", "update", "--conflict-key", "code", "--extra", "ignore")
    assert load("made", str(path), *update) == 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, code, n FROM hiring.made")
        assert cursor.fetchall() == [(2, "a", 2)]


def test_a_dry_run_stores_nothing(load: Load) -> None:
    assert load("jobs", str(WITH_HEADER["jobs"]), "--dry-run") == 0
    assert count_rows("jobs") == 0


def test_a_batch_that_is_sent_twice_is_stored_once(
    server: str, api_key: Callable[..., str]
) -> None:
    body = WITH_HEADER["jobs"].read_bytes()
    with IngestClient(server, api_key("ingest")) as client:
        first = client.send_batch("jobs", body, "text/csv", "same-key")
        second = client.send_batch("jobs", body, "text/csv", "same-key")
    assert first == second
    assert count_rows("jobs") == 183


def test_an_unknown_table_fails(load: Load) -> None:
    assert load("nothing", str(WITH_HEADER["jobs"])) == 1
