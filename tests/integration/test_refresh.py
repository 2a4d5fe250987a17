"""Refreshing report tables."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from pytest_django import Settings

from reports.engine.computation import Computed, compute_report
from reports.engine.refresh import Refreshed
from reports.engine.registry import find_report
from reports.engine.report_table import refresh_report
from reports.errors import RefreshFailed, ReportBusy
from tests.database import holding_lock
from tests.hiring import hire, load_hiring, send, send_small

pytestmark = pytest.mark.usefixtures("database")

HEADER = """\
-- title: Counts
-- description: How many jobs there are
-- sources: [hiring.jobs]
-- columns:
--   name: {caption: Name, description: The name}
--   n: {caption: Number}
"""


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    settings.REPORTS_DIR = tmp_path
    settings.CONFIG = with_no_overrides(settings.CONFIG)
    return tmp_path


def with_no_overrides(config: Any) -> Any:
    return msgspec.structs.replace(
        config, reports=msgspec.structs.replace(config.reports, definitions={})
    )


def write(folder: Path, query: str, header: str = HEADER) -> None:
    (folder / "counts.sql").write_text(f"{header}\n{query}\n")


def refresh(name: str = "counts", **options: Any) -> Refreshed:
    return refresh_report(find_report(name), **options)


def query(statement: str, values: list[Any] | None = None) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def status(name: str) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM reports.report_status WHERE report = %s", [name])
        return dict(zip([c.name for c in cursor.description], cursor.fetchone(), strict=True))


def add_job(number: int, name: str) -> None:
    query("INSERT INTO hiring.jobs VALUES (%s, %s) RETURNING job_id", [number, name])


def flush_counters() -> None:
    query("SELECT pg_stat_force_next_flush()")
    query("SELECT 1")


def test_the_real_hiring_data_gives_the_known_answers(client: Client) -> None:
    load_hiring(client)
    call_command("refresh_reports")
    assert query(
        "SELECT count(*), sum(q1), sum(q2), sum(q3), sum(q4) FROM reports.hires_by_quarter"
    ) == [(933, 249, 454, 453, 487)]
    assert query("SELECT department_name, hired FROM reports.departments_above_mean") == [
        ("Support", 216),
        ("Engineering", 205),
        ("Human Resources", 201),
        ("Services", 200),
        ("Business Development", 185),
        ("Research and Development", 148),
        ("Marketing", 142),
    ]
    told = status("hires_by_quarter")
    assert (told["rows"], told["open_rejections"], told["last_error"]) == (933, 70, None)
    assert query("SELECT id FROM service.batch ORDER BY id DESC LIMIT 1") == [(told["last_batch"],)]


def test_quarters_and_years_are_counted_in_utc(client: Client) -> None:
    send_small(client)
    edges = [
        hire(11, 3, "01-01") | {"hire_date": "2021-01-01T00:30:00+01:00"},
        hire(12, 3, "12-31") | {"hire_date": "2021-12-31T23:30:00-01:00"},
        hire(13, 3, "06-30") | {"hire_date": "2021-06-30T23:30:00-01:00"},
    ]
    send(client, "employees", edges)
    refresh("hires_by_quarter")
    assert query("SELECT * FROM reports.hires_by_quarter ORDER BY 1") == [
        ("IT", "Clerk", 0, 0, 1, 0),
        ("Legal", "Clerk", 0, 0, 1, 1),
        ("Sales", "Clerk", 2, 1, 0, 1),
    ]


def test_the_mean_is_over_departments_without_hires_too(client: Client) -> None:
    send_small(client)
    refresh("departments_above_mean")
    assert query("SELECT * FROM reports.departments_above_mean") == [(1, "Sales", 4)]
    assert query("SELECT line FROM service.report") == [(2.0,)]


def test_unchanged_sources_skip_the_work(client: Client) -> None:
    send_small(client)
    assert refresh("hires_by_quarter").outcome == "refreshed"
    flush_counters()
    refresh("hires_by_quarter")
    before = status("hires_by_quarter")
    assert refresh("hires_by_quarter").outcome == "unchanged"
    assert status("hires_by_quarter") == before
    assert refresh("hires_by_quarter", force=True).outcome == "refreshed"


def test_a_new_batch_is_noticed_at_once(client: Client) -> None:
    send_small(client)
    refresh("departments_above_mean")
    receipt = send(client, "employees", [hire(50, 2, "05-05"), hire(51, 2, "05-05")])
    assert refresh("departments_above_mean").outcome == "refreshed"
    assert str(status("departments_above_mean")["last_batch"]) == receipt["batch"]


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM hiring.jobs WHERE job_id = 1",
        "UPDATE hiring.jobs SET job_name = 'Y' WHERE job_id = 1",
        "TRUNCATE hiring.jobs CASCADE",
    ],
)
def test_a_change_by_hand_is_noticed(folder: Path, change: str) -> None:
    add_job(1, "X")
    flush_counters()
    write(folder, "SELECT job_name AS name, job_id AS n FROM hiring.jobs")
    refresh()
    assert refresh().outcome == "unchanged"
    with connection.cursor() as cursor:
        cursor.execute(change)
    flush_counters()
    assert refresh().outcome == "refreshed"


def test_a_change_that_commits_after_the_report_was_computed_is_not_missed(folder: Path) -> None:
    write(folder, "SELECT job_name AS name, job_id AS n FROM hiring.jobs")
    refresh()
    connection.set_autocommit(False)
    try:
        add_job(1, "X")
        refresh(force=True)
        connection.commit()
    finally:
        connection.set_autocommit(True)
    flush_counters()
    assert refresh().outcome == "refreshed"
    assert query("SELECT name FROM reports.counts") == [("X",)]


def test_a_report_that_is_being_computed_is_not_computed_twice(folder: Path) -> None:
    write(folder, "SELECT 'x' AS name, 1 AS n")
    with holding_lock("rowhouse.report.counts"), pytest.raises(ReportBusy):
        refresh()
    assert refresh().outcome == "refreshed"


def test_rows_computed_before_another_refresh_ended_are_computed_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, "SELECT job_name AS name, job_id AS n FROM hiring.jobs")
    computed: list[int] = []

    @contextmanager
    def overtaken_once(*args: Any, **options: Any) -> Iterator[Computed]:
        with compute_report(*args, **options) as result:
            computed.append(1)
            if len(computed) == 1:
                add_job(1, "X")
                query("UPDATE service.report SET version = version + 1 RETURNING name")
            yield result

    monkeypatch.setattr("reports.engine.report_table.compute_report", overtaken_once)
    assert refresh().outcome == "refreshed"
    assert len(computed) == 2
    assert query("SELECT name FROM reports.counts") == [("X",)]


def test_a_failed_refresh_leaves_the_table_and_records_why(folder: Path) -> None:
    add_job(1, "X")
    write(folder, "SELECT job_name AS name, job_id AS n FROM hiring.jobs")
    refresh()
    good = status("counts")
    write(folder, "SELECT job_name AS name, job_id / 0 AS n FROM hiring.jobs")
    with pytest.raises(RefreshFailed, match="division by zero"):
        refresh()
    assert query("SELECT name, n FROM reports.counts") == [("X", 1)]
    assert status("counts") == good | {"last_error": "division by zero (SQLSTATE 22012)"}
    assert query("SELECT outcome, error FROM service.report_run ORDER BY id")[-1] == (
        "failed",
        "division by zero (SQLSTATE 22012)",
    )
    write(folder, "SELECT job_name AS name, job_id AS n FROM hiring.jobs")
    refresh()
    assert status("counts")["last_error"] is None


def test_a_select_with_other_columns_than_the_header_is_refused(folder: Path) -> None:
    write(folder, "SELECT job_name AS name FROM hiring.jobs")
    with pytest.raises(RefreshFailed, match="the SELECT gives name; the header's columns are"):
        refresh()


def test_one_statement_is_all_a_definition_can_hold(folder: Path) -> None:
    write(folder, "SELECT 'x' AS name, 1 AS n; DROP TABLE hiring.jobs")
    with pytest.raises(RefreshFailed, match="syntax error"):
        refresh()


def test_a_broken_definition_fails_alone_and_says_so(folder: Path) -> None:
    write(folder, "SELECT 'x' AS name, 1 AS n")
    (folder / "broken.sql").write_text("SELECT 1")
    with pytest.raises(SystemExit):
        call_command("refresh_reports")
    assert status("counts")["rows"] == 1
    assert "broken" in status("broken")["last_error"]


def test_a_changed_definition_changes_the_table(folder: Path) -> None:
    write(folder, "SELECT 'x' AS name, 1 AS n")
    refresh()
    write(folder, "SELECT 'y' AS name, 1.5 AS n, now() AS at", HEADER + "--   at: {caption: At}\n")
    assert refresh().outcome == "refreshed"
    assert query("SELECT name, n FROM reports.counts") == [("y", 1.5)]
    assert query(
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod),"
        " col_description(a.attrelid, a.attnum)"
        " FROM pg_attribute a WHERE a.attrelid = 'reports.counts'::regclass AND a.attnum > 0"
        " ORDER BY a.attnum"
    ) == [
        ("name", "text", "Name: The name"),
        ("n", "numeric", "Number"),
        ("at", "timestamp with time zone", "At"),
    ]
    assert query("SELECT obj_description('reports.counts'::regclass)") == [
        ("Counts: How many jobs there are",)
    ]


def test_a_changed_caption_changes_the_comments(folder: Path) -> None:
    write(folder, "SELECT 'x' AS name, 1 AS n")
    refresh()
    write(folder, "SELECT 'x' AS name, 1 AS n", HEADER.replace("Number", "How many"))
    refresh()
    assert query("SELECT col_description('reports.counts'::regclass, 2)") == [("How many",)]


def test_a_table_dropped_by_hand_is_made_again(folder: Path) -> None:
    write(folder, "SELECT 'x' AS name, 1 AS n")
    refresh()
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE reports.counts")
    assert refresh().outcome == "refreshed"
    assert query("SELECT * FROM reports.counts") == [("x", 1)]
    assert query("SELECT col_description('reports.counts'::regclass, 2)") == [("Number",)]


def test_a_daily_snapshot_is_kept_once_a_day(folder: Path) -> None:
    header = HEADER + "-- snapshot: daily\n"
    write(folder, "SELECT job_name AS name, job_id AS n FROM hiring.jobs", header)
    first, second = date(2024, 1, 1), date(2024, 1, 2)
    add_job(1, "X")
    refresh(today=first)
    add_job(2, "Y")
    refresh(today=first, force=True)
    flush_counters()
    refresh(today=first, force=True)
    assert refresh(today=first).outcome == "unchanged"
    assert refresh(today=second).outcome == "refreshed"
    assert query("SELECT * FROM reports.counts_history ORDER BY 1, 3") == [
        (first, "X", 1),
        (first, "Y", 2),
        (second, "X", 1),
        (second, "Y", 2),
    ]


def test_the_history_keeps_columns_the_report_no_longer_has(folder: Path) -> None:
    header = HEADER + "-- snapshot: daily\n"
    write(folder, "SELECT 'x' AS name, 1 AS n", header)
    refresh(today=date(2024, 1, 1))
    write(folder, "SELECT 'y' AS name, 2 AS m", header.replace("  n:", "  m:"))
    refresh(today=date(2024, 1, 2))
    assert query("SELECT name, n, m FROM reports.counts_history ORDER BY snapshot_date") == [
        ("x", 1, None),
        ("y", None, 2),
    ]
    assert query(
        "SELECT col_description('reports.counts_history'::regclass, n)"
        " FROM (VALUES (1), (2), (4)) AS place (n)"
    ) == [
        ("Day of the copy",),
        ("Name: The name",),
        ("Number",),
    ]


def test_a_history_column_of_another_type_is_not_converted(folder: Path) -> None:
    header = HEADER + "-- snapshot: daily\n"
    write(folder, "SELECT 'x' AS name, 1 AS n", header)
    refresh()
    write(folder, "SELECT 'x' AS name, 1.5 AS n", header)
    with pytest.raises(RefreshFailed, match=r"counts_history\.n is integer .* numeric"):
        refresh()
    assert query("SELECT n FROM reports.counts") == [(1,)]


def test_parameters_come_from_the_settings(client: Client, settings: Settings) -> None:
    send_small(client)
    send(client, "employees", [hire(60, 3, "02-02", year=2022)])
    reports = settings.CONFIG.reports
    changed = reports.definitions["hires_by_quarter"]
    other_year = msgspec.structs.replace(changed, parameters={"year": 2022})
    definitions = reports.definitions | {"hires_by_quarter": other_year}
    settings.CONFIG = msgspec.structs.replace(
        settings.CONFIG, reports=msgspec.structs.replace(reports, definitions=definitions)
    )
    refresh("hires_by_quarter")
    assert query("SELECT * FROM reports.hires_by_quarter") == [("IT", "Clerk", 1, 0, 0, 0)]


def test_a_percent_sign_is_doubled_in_a_definition(folder: Path) -> None:
    add_job(5, "Clerk")
    write(folder, "SELECT job_name AS name, job_id %% 3 AS n FROM hiring.jobs")
    refresh()
    assert query("SELECT * FROM reports.counts") == [("Clerk", 2)]
