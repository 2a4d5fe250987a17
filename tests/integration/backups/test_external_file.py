"""Avro files that other tools wrote, appended through the ingest writer."""

import io
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro
import pytest
from django.core.management import call_command

from backups.errors import FileRefused
from backups.restore.external_file import append_files, find_files, is_external
from backups.store.folder import Backup
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
        table: append_files([FOREIGN / file], table, renamed=NAMES[table])
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
    total = append_files([path], "item", renamed={})
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
    assert append_files([path], "jobs", renamed={}).rejected == 1
    assert ask("SELECT codes FROM service.rejection") == [(["required_missing", "unknown_column"],)]


def test_a_field_that_the_file_does_not_have_cannot_be_renamed(tmp_path: Path) -> None:
    path = write(tmp_path / "jobs.avro", {"job_id": "int"}, [{"job_id": 1}], "null")
    with pytest.raises(FileRefused, match="no field name"):
        append_files([path], "jobs", renamed={"name": "job_name"})


def test_a_field_is_meant_for_a_column_that_there_is(tmp_path: Path) -> None:
    path = write(tmp_path / "jobs.avro", {"id": "int"}, [{"id": 1}], "null")
    with pytest.raises(FileRefused, match="no column job_number"):
        append_files([path], "jobs", renamed={"id": "job_number"})


def test_missing_text_written_as_words_is_rejected() -> None:
    need(FOREIGN.exists(), "the folder of real data beside the project")
    append_files([FOREIGN / "departments_a.avro"], "departments", renamed=NAMES["departments"])
    append_files([FOREIGN / "jobs_a.avro"], "jobs", renamed=NAMES["jobs"])
    run("DELETE FROM service.rejection")
    path = FOREIGN / "hired_employees_b.avro"
    total = append_files([path], "employees", renamed=NAMES["employees"])
    assert (total.inserted + total.rejected, total.updated, total.ignored) == (956, 0, 0)
    refused = ask("SELECT count(*) FROM service.rejection WHERE 'bad_timestamp' = ANY (codes)")
    assert refused == [(3,)]
    assert ask("SELECT count(*) FROM service.rejection") == [(total.rejected,)]


def test_converts_logical_types_wherever_they_stand(tmp_path: Path) -> None:
    run(
        "CREATE TABLE hiring.item (id int PRIMARY KEY, at timestamptz, ref uuid, lasts interval,"
        " days date[], whole int, small real)"
    )
    fields: dict[str, Any] = {
        "id": "int",
        "at": ["null", "string", {"type": "long", "logicalType": "timestamp-nanos"}],
        "ref": {"type": "fixed", "name": "ref", "size": 16, "logicalType": "uuid"},
        "lasts": {"type": "fixed", "name": "lasts", "size": 12, "logicalType": "duration"},
        "days": {"type": "array", "items": {"type": "int", "logicalType": "date"}},
        "whole": "double",
        "small": "double",
    }
    row: dict[str, Any] = {
        "id": 1,
        "at": 1_500_000_000,
        "ref": bytes(range(16)),
        "lasts": bytes([2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0]),
        "days": [date(2024, 2, 29)],
        "whole": 7.0,
        "small": 0.5,
    }
    rows = [
        row,
        row | {"id": 2, "at": "2024-02-29T12:00:00Z"},
        row | {"id": 3, "at": 1_500_000_001},
        row | {"id": 4, "small": 0.1},
        row | {"id": 5, "whole": 7.5},
    ]
    path = write(tmp_path / "item.avro", fields, rows, "null")
    total = append_files([path], "item", renamed={})
    assert (total.inserted, total.rejected) == (2, 3)
    assert ask(
        "SELECT id, at::text, ref::text, lasts::text, days, whole, small FROM hiring.item"
    ) == [
        (
            number,
            at,
            "00010203-0405-0607-0809-0a0b0c0d0e0f",
            "2 mons 3 days 00:00:00.004",
            [date(2024, 2, 29)],
            7,
            0.5,
        )
        for number, at in ((1, "1970-01-01 00:00:01.5+00"), (2, "2024-02-29 12:00:00+00"))
    ]
    assert ask("SELECT codes FROM service.rejection ORDER BY index") == [
        (["bad_timestamp"],),
        (["not_number"],),
        (["not_integer"],),
    ]


def test_bytes_are_not_stored_as_text(tmp_path: Path) -> None:
    path = write(
        tmp_path / "jobs.avro",
        {"job_id": "int", "job_name": "bytes"},
        [{"job_id": 1, "job_name": b"ab"}],
        "null",
    )
    assert append_files([path], "jobs", renamed={}).rejected == 1
    assert ask("SELECT codes FROM service.rejection") == [(["type_mismatch"],)]


def test_a_type_may_be_named_with_its_namespace(tmp_path: Path) -> None:
    run("CREATE TABLE hiring.item (id int PRIMARY KEY, a text, b text)")
    kind = {"type": "enum", "name": "kind", "namespace": "their.own", "symbols": ["x", "y"]}
    path = write(
        tmp_path / "item.avro",
        {"id": "int", "a": kind, "b": "their.own.kind"},
        [{"id": 1, "a": "x", "b": "y"}],
        "null",
    )
    assert append_files([path], "item", renamed={}).inserted == 1
    assert ask("SELECT a, b FROM hiring.item") == [("x", "y")]


def test_a_field_goes_into_the_column_of_exactly_its_name(tmp_path: Path) -> None:
    run("CREATE TABLE hiring.item (id int PRIMARY KEY, a_b text, ab text)")
    path = write(
        tmp_path / "item.avro", {"id": "int", "a_b": "string"}, [{"id": 1, "a_b": "x"}], "null"
    )
    assert append_files([path], "item", renamed={}).inserted == 1
    assert ask("SELECT a_b, ab FROM hiring.item") == [("x", None)]


def test_a_field_that_several_columns_fit_alike_is_refused_unless_it_is_renamed(
    tmp_path: Path,
) -> None:
    run("CREATE TABLE hiring.item (id int PRIMARY KEY, a_b text, ab text)")
    path = write(
        tmp_path / "item.avro", {"id": "int", "A_B": "string"}, [{"id": 1, "A_B": "x"}], "null"
    )
    with pytest.raises(FileRefused, match="The field A_B could be any of the columns a_b, ab"):
        append_files([path], "item", renamed={})
    assert append_files([path], "item", renamed={"A_B": "ab"}).inserted == 1
    assert ask("SELECT a_b, ab FROM hiring.item") == [(None, "x")]


PARTS = ("part-0000", "part-0001.AVRO")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder as Spark writes it, with a job in each part."""
    made = tmp_path / "jobs"
    made.mkdir()
    for number, name in enumerate(PARTS, 1):
        row = {"job_id": number, "job_name": name}
        write(made / name, {"job_id": "int", "job_name": "string"}, [row], "deflate")
    for marker in ("_SUCCESS", ".part-0000.crc"):
        (made / marker).write_bytes(b"")
    return made


def restore_jobs(*arguments: str) -> str:
    out = io.StringIO()
    call_command("restore", "jobs", *arguments, stdout=out)
    return out.getvalue()


def test_appends_a_folder_of_files(folder: Path) -> None:
    assert "jobs: 2 rows were inserted" in restore_jobs("--from", str(folder))
    assert ask("SELECT count(*) FROM hiring.jobs") == [(2,)]


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("", PARTS),
        ("part-0001.AVRO", PARTS[1:]),
        ("part-*", PARTS),
        ("../*/part-000[09]", PARTS[:1]),
    ],
)
def test_finds_a_file_a_folder_s_files_or_what_a_glob_matches(
    folder: Path, source: str, names: tuple[str, ...]
) -> None:
    assert [path.name for path in find_files(f"{folder}/{source}")] == list(names)


def test_a_file_is_taken_once_whichever_ways_a_glob_leads_to_it(folder: Path) -> None:
    (folder / "_SUCCESS").unlink()
    assert find_files(f"{folder}/**") == [folder / name for name in PARTS]


@pytest.mark.parametrize(
    ("source", "answer"),
    [("jobs.AVRO", True), ("part-*", True), ("a/part-0000", True), ("part-0000", False)],
)
def test_a_name_alone_that_is_no_file_means_a_backup(source: str, answer: bool) -> None:
    assert is_external(source) is answer


def test_a_folder_of_the_archive_is_no_folder_of_files(backup: Backup) -> None:
    assert not is_external(str(backup.folder))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "part-").write_text("id,name\n"), "part-: "),
        (lambda folder: (folder / "more").mkdir(), "more is a folder in a folder"),
        (
            lambda folder: write(folder / "part-9", {"job_id": "int"}, [{"job_id": 9}], "null"),
            "part-9: The file has no field job_name",
        ),
    ],
    ids=["not Avro", "a folder in it", "another schema"],
)
def test_no_row_of_a_folder_is_stored_while_one_of_its_files_is_refused(
    folder: Path, spoil: Callable[[Path], object], words: str
) -> None:
    spoil(folder)
    with pytest.raises(FileRefused, match=words):
        restore_jobs("--from", str(folder), "--rename", "job_name=job_name")
    assert ask("SELECT count(*) FROM hiring.jobs") == [(0,)]


@pytest.mark.parametrize("source", ["nothing.avro", "part-9*", "nowhere/part-0000"])
def test_a_file_that_is_not_there_is_named(folder: Path, source: str) -> None:
    with pytest.raises(FileRefused, match=r"There is no file .*/(nothing|part-9|nowhere)"):
        find_files(f"{folder}/{source}")


@pytest.mark.parametrize("dry_run", [True, False])
def test_rejected_rows_are_told_with_their_reasons_and_an_exit_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], dry_run: bool
) -> None:
    fields = {"job_id": "long", "job_name": ["null", "string"], "pay": "int"}
    rows = [{"job_id": number, "job_name": None, "pay": 1} for number in (1, 2**40)]
    path = write(tmp_path / "jobs.avro", fields, rows, "null")
    with pytest.raises(SystemExit) as stopped:
        call_command("restore", "jobs", "--from", str(path), dry_run=dry_run)
    assert stopped.value.code == 3
    first, *reasons = capsys.readouterr().out.splitlines()
    assert first.startswith("jobs: 0 rows ")
    assert first.endswith(" 2 rejected")
    assert [line.split(":")[0] for line in reasons] == [
        "  2 rows null_not_allowed (job_name)",
        "  2 rows unknown_column (pay)",
        "  1 rows out_of_range (job_id)",
    ]


def test_rows_of_a_backup_that_are_rejected_are_an_exit_status_too(backup: Backup) -> None:
    with pytest.raises(SystemExit) as stopped:
        call_command("restore", "one", "--mode", "append", "--from", str(backup.id))
    assert stopped.value.code == 3
    assert ask("SELECT count(*) FROM hiring.one") == [(200,)]
