"""Avro files that other tools wrote, appended through the ingest writer."""

import io
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro
import pytest
from django.core.management import call_command

from backups.errors import FileRefused
from backups.foreign import append_file
from tests.integration.backups.tables import ask, run
from tests.needs import need

pytestmark = pytest.mark.usefixtures("scratch")

FOREIGN = Path(__file__).resolve().parents[4] / "shared" / "data" / "hiring" / "foreign_backups"
NAMES = {
    "departments": {"id": "department_id", "department": "department_name"},
    "jobs": {"id": "job_id", "job": "job_name"},
    "employees": {"id": "employee_id", "name": "employee_name", "datetime": "hire_date"},
}


def write(path: Path, fields: dict[str, Any], rows: list[dict[str, Any]], codec: str) -> Path:
    schema = {
        "type": "record",
        "name": "row",
        "fields": [{"name": name, "type": one} for name, one in fields.items()],
    }
    with path.open("wb") as file:
        fastavro.writer(file, schema, rows, codec=codec)
    return path


def test_appends_the_backups_that_other_services_wrote() -> None:
    need(FOREIGN.exists(), "the folder of real data beside the project")
    totals = {
        table: append_file(FOREIGN / file, table, renamed=NAMES[table])
        for table, file in (
            ("departments", "departments_a.avro"),
            ("jobs", "jobs_a.avro"),
            ("employees", "hired_employees_a.avro"),
        )
    }
    assert {table: one.inserted + one.rejected for table, one in totals.items()} == {
        "departments": 13,
        "jobs": 183,
        "employees": 1929,
    }
    assert ask("SELECT count(*) FROM hiring.employees") == [(totals["employees"].inserted,)]
    assert ask("SELECT count(*) FROM service.rejection") == [
        (sum(one.rejected for one in totals.values()),)
    ]


def test_nothing_is_stored_by_a_dry_run() -> None:
    need(FOREIGN.exists(), "the folder of real data beside the project")
    out = io.StringIO()
    call_command(
        *("restore", "jobs", "--dry-run", "--from", str(FOREIGN / "jobs_a.avro")),
        *("--rename", "id=job_id", "--rename", "job=job_name"),
        stdout=out,
    )
    assert "183 rows would be inserted" in out.getvalue()
    assert ask("SELECT count(*) FROM hiring.jobs") == [(0,)]


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy", "bzip2", "xz"])
def test_converts_what_can_be_converted_exactly(tmp_path: Path, codec: str) -> None:
    run(
        "CREATE TABLE hiring.item (id int PRIMARY KEY, born date, seen timestamptz,"
        " amount numeric(8,2), raw bytea, tags text[], doc jsonb, kind text)"
    )
    fields = {
        "ID": "long",
        "born": {"type": "int", "logicalType": "date"},
        "seen": ["null", {"type": "long", "logicalType": "timestamp-millis"}],
        "amount": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 3},
        "raw": "bytes",
        "tags": {"type": "array", "items": "string"},
        "doc": {"type": "map", "values": "int"},
        "kind": {"type": "enum", "name": "kind", "symbols": ["a", "b"]},
    }
    row = {
        "ID": 1,
        "born": date(2024, 2, 29),
        "seen": datetime(2024, 2, 29, 12, 0, 0, 125000, tzinfo=UTC),
        "amount": Decimal("1.500"),
        "raw": b"\0\xff",
        "tags": ["x", "y"],
        "doc": {"k": 1},
        "kind": "b",
    }
    rows = [row, row | {"ID": 2, "amount": Decimal("1.555")}, row | {"ID": 2**40}]
    path = write(tmp_path / "item.avro", fields, rows, codec)
    total = append_file(path, "item", renamed={})
    assert (total.inserted, total.rejected) == (1, 2)
    assert ask(
        "SELECT id, born::text, seen::text, amount, raw, tags, doc->'k', kind FROM hiring.item"
    ) == [
        (
            1,
            "2024-02-29",
            "2024-02-29 12:00:00.125+00",
            Decimal("1.50"),
            b"\0\xff",
            ["x", "y"],
            1,
            "b",
        )
    ]
    assert ask("SELECT codes FROM service.rejection ORDER BY index") == [
        (["scale_exceeded"],),
        (["out_of_range"],),
    ]


def test_a_field_that_no_column_has_is_a_reason_to_reject(tmp_path: Path) -> None:
    path = write(
        tmp_path / "jobs.avro",
        {"job_id": "int", "salary": "int"},
        [{"job_id": 1, "salary": 2}],
        "null",
    )
    assert append_file(path, "jobs", renamed={}).rejected == 1
    assert ask("SELECT codes FROM service.rejection") == [(["required_missing", "unknown_column"],)]


def test_a_field_that_the_file_does_not_have_cannot_be_renamed(tmp_path: Path) -> None:
    path = write(tmp_path / "jobs.avro", {"job_id": "int"}, [{"job_id": 1}], "null")
    with pytest.raises(FileRefused, match="no field name"):
        append_file(path, "jobs", renamed={"name": "job_name"})
