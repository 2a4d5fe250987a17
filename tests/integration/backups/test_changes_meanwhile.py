"""Backups of tables that others truncate, alter, drop, lock or hide meanwhile: nothing is lost."""

import threading
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from uuid_utils.compat import uuid7

from backups.errors import BackupError, BackupIncomplete, TablesBusy
from backups.make import snapshot
from backups.make.make import make_backup
from backups.models import BackupRun
from backups.progress import Progress
from backups.restore.plan import RestoreRequest
from backups.restore.restore import restore_backup
from backups.runs.runs import run_backup, run_drill
from backups.store.archive import find_backup
from backups.store.manifest import Manifest
from backups.tables import connection as connections
from tests.integration.backups.tables import administrator, ask, run
from tests.waiting import wait_until

NAMES = ["hiring.one", "hiring.two"]
CHANGES = [
    "TRUNCATE hiring.one",
    "ALTER TABLE hiring.one ALTER id TYPE bigint",
    "VACUUM FULL hiring.one",
    "DROP TABLE hiring.one",
    "ALTER TABLE hiring.one RENAME TO taken; CREATE TABLE hiring.one (id int PRIMARY KEY)",
]
WAITING = (
    "SELECT FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"
    " AND relation = 'hiring.one'::regclass"
)


@pytest.fixture(autouse=True)
def tables(scratch: Path) -> None:
    run(
        "CREATE TABLE hiring.one (id int PRIMARY KEY)",
        "CREATE TABLE hiring.two (id int PRIMARY KEY)",
        "INSERT INTO hiring.one SELECT generate_series(1, 50)",
        "INSERT INTO hiring.two SELECT generate_series(1, 60)",
    )


def rows_of(manifest: Manifest) -> dict[str, int]:
    return {entry.full_name: entry.rows for entry in manifest.tables}


def change_once(monkeypatch: pytest.MonkeyPatch, *statements: str) -> None:
    """Have statements executed after the tables were listed, before the first one is locked."""
    left = list(statements)

    def configure(connection: psycopg.Connection) -> None:
        while left:
            run(left.pop(0))
        connections.configure_transaction(connection)

    monkeypatch.setattr(snapshot, "configure_transaction", configure)


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_waits_for_a_backup_that_has_the_snapshots_rows(change: str) -> None:
    def execute() -> None:
        run(change)

    waiting = threading.Thread(target=execute)

    def begin_change(_: int) -> None:  # called between the snapshot and the first table
        waiting.start()
        wait_until(lambda: bool(ask(WAITING)), "the change waits for its lock")

    manifest = make_backup(uuid7(), tables=NAMES, progress=Progress(expect_rows=begin_change))
    waiting.join()
    assert rows_of(manifest) == {"hiring.one": 50, "hiring.two": 60}
    assert not manifest.failures


@pytest.mark.parametrize(
    ("change", "rows"),
    [
        ("DELETE FROM hiring.one WHERE id > 7", {"hiring.one": 7, "hiring.two": 60}),
        ("DROP TABLE hiring.one", {"hiring.two": 60}),
    ],
)
def test_a_restore_meanwhile_is_not_in_the_backup(change: str, rows: dict[str, int]) -> None:
    older = find_backup(str(make_backup(uuid7(), tables=NAMES).id))
    run(change)

    def restore(_: int) -> None:  # called between the snapshot and the first table
        restore_backup(older, RestoreRequest(tables=["hiring.one"]))

    manifest = make_backup(uuid7(), progress=Progress(expect_rows=restore))
    found = rows_of(manifest)
    assert {name: count for name, count in found.items() if name in NAMES} == rows
    assert not manifest.failures
    assert ask("SELECT count(*) FROM hiring.one") == [(50,)]


@pytest.mark.parametrize(
    ("change", "rows"),
    [
        ("TRUNCATE hiring.one", {"hiring.one": 0, "hiring.two": 60}),
        ("ALTER TABLE hiring.one ALTER id TYPE bigint", {"hiring.one": 50, "hiring.two": 60}),
        ("VACUUM FULL hiring.one", {"hiring.one": 50, "hiring.two": 60}),
        ("ALTER TABLE hiring.one RENAME TO three", {"hiring.three": 50, "hiring.two": 60}),
        ("DROP TABLE hiring.one", {"hiring.two": 60}),
        (
            "CREATE TABLE hiring.three AS SELECT 1 AS id",
            {"hiring.one": 50, "hiring.two": 60, "hiring.three": 1},
        ),
    ],
)
def test_a_change_just_before_the_locks_is_in_the_backup(
    monkeypatch: pytest.MonkeyPatch, change: str, rows: dict[str, int]
) -> None:
    change_once(monkeypatch, change)
    found = rows_of(make_backup(uuid7()))
    assert {name: count for name, count in found.items() if name in {*NAMES, *rows}} == rows


def test_tables_that_change_all_the_time_fail_the_backup(monkeypatch: pytest.MonkeyPatch) -> None:
    changes = [f"CREATE TABLE hiring.t{number} (id int)" for number in range(3)]
    configure = connections.configure_transaction

    def change(connection: psycopg.Connection) -> None:
        run(changes.pop())
        configure(connection)

    monkeypatch.setattr(snapshot, "configure_transaction", change)
    monkeypatch.setattr(snapshot, "MAX_TRIES", 3)
    with pytest.raises(TablesBusy):
        make_backup(uuid7())


def test_a_table_that_stays_locked_leaves_the_run_incomplete(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(connections.TRANSACTION_SETTINGS, "lock_timeout", "1ms")
    with administrator() as other, other.transaction():
        other.execute("LOCK TABLE hiring.one IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(BackupIncomplete, match=r"hiring\.one: .*lock timeout"):
            run_backup(tables=NAMES)
    made = BackupRun.objects.get()
    assert made.report is not None
    assert (made.state, made.report["code"]) == ("incomplete", "backup_incomplete")
    assert made.report["hiring.two"] == 60
    assert "lock timeout" in made.report["missing"]["hiring.one"]
    manifest = find_backup(str(made.pk)).read()
    assert (rows_of(manifest), list(manifest.failures)) == ({"hiring.two": 60}, ["hiring.one"])
    assert run_drill(find_backup(str(made.pk))).report == {"proven_rows": 60}


def test_rows_that_policies_hide_are_backed_up_or_missed() -> None:
    if not settings.CONFIG.database.separate_roles:
        pytest.skip("an administrator sees all rows")
    run("ALTER TABLE hiring.one ENABLE ROW LEVEL SECURITY")
    assert rows_of(make_backup(uuid7(), tables=NAMES)) == {"hiring.one": 50, "hiring.two": 60}
    run("ALTER ROLE backup_reader NOBYPASSRLS")
    try:
        with pytest.raises(BackupIncomplete, match=r"hiring\.one: .*row-level security"):
            run_backup(tables=NAMES)
    finally:
        run("ALTER ROLE backup_reader BYPASSRLS")


def test_a_table_that_may_not_be_read_is_missing() -> None:
    if not settings.CONFIG.database.separate_roles:
        pytest.skip("an administrator may read all tables")
    run("REVOKE SELECT ON hiring.one FROM backup_reader")
    manifest = make_backup(uuid7(), tables=NAMES)
    assert (rows_of(manifest), list(manifest.failures)) == ({"hiring.two": 60}, ["hiring.one"])
    with pytest.raises(BackupError, match="permission denied"):
        make_backup(uuid7(), tables=["hiring.one"])


SETTINGS = {
    "datestyle": "'SQL, DMY'",
    "intervalstyle": "sql_standard",
    "search_path": "hiring, pg_catalog",
    "extra_float_digits": "-15",
    "bytea_output": "escape",
    "timezone": "'Asia/Kathmandu'",
    "quote_all_identifiers": "on",
    "array_nulls": "off",
    "default_transaction_isolation": "'read committed'",
    "statement_timeout": "'1min'",
}


def test_settings_of_the_database_change_nothing_in_a_backup() -> None:
    run(
        "CREATE TABLE hiring.pg_type AS SELECT 1 AS oid",
        "CREATE TABLE hiring.pg_class AS SELECT 1 AS oid",
        "CREATE TABLE hiring.forms (id int PRIMARY KEY, day date DEFAULT '2024-02-01', i interval,"
        " f float8, b bytea, t timestamptz, a text[], n numeric, r tstzrange)",
        "INSERT INTO hiring.forms VALUES (1, DEFAULT, '-1 mon 2 days', 0.1::float8 + 0.2,"
        " '\\x00ff', '2024-03-10 02:30:00+00', '{a,NULL}', 1.10, '[2024-01-02 00:00:00+00,)')",
    )

    def back_up() -> list[Any]:
        manifest = make_backup(uuid7(), tables=["hiring.forms"])
        (entry,) = manifest.tables
        run_drill(find_backup(str(manifest.id)))
        return [entry.content_sha256, entry.columns, entry.constraints]

    plain = back_up()
    (database,) = ask("SELECT quote_ident(current_database())")[0]
    try:
        for name, value in SETTINGS.items():
            run(f"ALTER DATABASE {database} SET {name} = {value}")
        assert back_up() == plain
    finally:
        run(f"ALTER DATABASE {database} RESET ALL")
