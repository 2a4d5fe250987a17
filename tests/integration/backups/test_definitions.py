"""A backup stands alone: what its datasets define is made again from it."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from msgspec.structs import replace
from pytest_django.fixtures import Settings

from backups.child.verify import find_problems
from backups.errors import (
    BackupDamaged,
    BackupError,
    BackupUnknown,
    BackupUntrusted,
    RestoreRefused,
)
from backups.make import make
from backups.restore.plan import RestoreRequest
from backups.restore.restore import restore_backup
from backups.runs.runs import run_backup
from backups.store.archive import find_backup, locate_backup
from backups.store.folder import Backup
from project.schema.roles import apply_roles
from tests.integration.backups.archives import change_bytes, forge
from tests.integration.backups.dump import dump_definitions
from tests.integration.backups.tables import ask, run

TABLES = ["ledger.bills", "ledger.days", "ledger.notes"]
DATASET = (
    "CREATE TYPE ledger.mood AS ENUM ('sad', 'it''s; so')",
    "CREATE TYPE ledger.pair AS (number integer, word text)",
    "CREATE FUNCTION ledger.half(numeric) RETURNS numeric LANGUAGE sql IMMUTABLE"
    " BEGIN ATOMIC SELECT CASE WHEN $1 > 0 THEN $1 / 2 ELSE 0 END; END",
    "CREATE FUNCTION ledger.stamp() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN NEW.note := NEW.note || ';'; RETURN NEW; END $$",
    "REVOKE EXECUTE ON FUNCTION ledger.stamp() FROM PUBLIC",
    "CREATE DOMAIN ledger.percent AS numeric CHECK (VALUE BETWEEN 0 AND 100)",
    "CREATE TABLE ledger.bills (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
    " mood ledger.mood NOT NULL, share ledger.percent DEFAULT ledger.half(10),"
    " note text CHECK (note <> 'a;b'), pair ledger.pair)",
    "COMMENT ON TABLE ledger.bills IS 'What is; not what was'",
    "CREATE TRIGGER stamp BEFORE INSERT ON ledger.bills FOR EACH ROW"
    " EXECUTE FUNCTION ledger.stamp()",
    "CREATE INDEX bills_half ON ledger.bills (ledger.half(share))",
    "ALTER TABLE ledger.bills ENABLE ROW LEVEL SECURITY",
    "CREATE POLICY happy ON ledger.bills FOR SELECT TO report_reader USING (mood <> 'sad')",
    "CREATE VIEW ledger.low AS SELECT id, share FROM ledger.bills WHERE share < 50",
    "CREATE VIEW ledger.lower AS SELECT id FROM ledger.low WHERE share < 5",
    "GRANT SELECT ON ledger.lower TO report_reader",
    "GRANT UPDATE (note) ON ledger.bills TO report_reader",
    "CREATE MATERIALIZED VIEW ledger.counted AS SELECT count(*) AS n FROM ledger.bills",
    "CREATE TABLE ledger.days (at date PRIMARY KEY, bill int REFERENCES ledger.bills)"
    " PARTITION BY RANGE (at)",
    "CREATE TABLE ledger.days_2024 PARTITION OF ledger.days"
    " FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')",
    "CREATE TABLE ledger.days_rest PARTITION OF ledger.days DEFAULT",
    "CREATE TABLE ledger.notes (id serial PRIMARY KEY, note text)",
    "GRANT CREATE ON SCHEMA ledger TO report_writer",
    "ALTER TABLE ledger.notes OWNER TO report_writer",
    "INSERT INTO ledger.bills (mood, note, pair)"
    " SELECT (enum_range(NULL::ledger.mood))[1 + n % 2], 'note ' || n, (n, 'x'::text)::ledger.pair"
    " FROM generate_series(1, 50) n",
    "INSERT INTO ledger.days SELECT '2024-12-01'::date + n, n FROM generate_series(1, 50) n",
    "INSERT INTO ledger.notes (note) SELECT 'n' || n FROM generate_series(1, 20) n",
)


@pytest.fixture
def ledger(archive: Path, settings: Settings) -> Iterator[None]:
    """Make a dataset that defines much; it alone is backed up."""
    config = settings.CONFIG
    settings.CONFIG = replace(
        config,
        datasets=config.datasets | {"ledger": config.datasets["hiring"]},
        backups=replace(config.backups, include=["ledger.*"]),
    )
    run("CREATE SCHEMA ledger")
    apply_roles(connection, ["ledger"], config=config.database, secrets_dir=settings.SECRETS_DIR)
    run(*DATASET)
    yield
    run("DROP SCHEMA IF EXISTS ledger, undo_ledger, restore_ledger, staging_ledger CASCADE")


@pytest.fixture
def backup(ledger: None) -> Backup:
    return find_backup(str(run_backup().pk))


def read_rows() -> list[object]:
    return [ask(f"SELECT t::text FROM {table} t ORDER BY 1") for table in TABLES]


def test_one_command_makes_a_lost_dataset_again(
    backup: Backup, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    before, rows = dump_definitions(), read_rows()
    run("DROP SCHEMA ledger CASCADE")
    elsewhere = backup.folder.rename(tmp_path / backup.folder.name)
    command = ["restore", "--all", "--definitions", "--from", str(elsewhere)]
    call_command(*command, "--dry-run")
    assert "ledger.bills (replace): 50 rows inserted" in capsys.readouterr().out
    assert ask("SELECT to_regnamespace('ledger')") == [(None,)]
    call_command(*command)
    assert dump_definitions() == before
    assert read_rows() == rows
    out = capsys.readouterr().out
    assert "NOT MADE" not in out
    assert "REFRESH MATERIALIZED VIEW ledger.counted" in out
    assert ask("INSERT INTO ledger.notes (note) VALUES ('new') RETURNING id") == [(21,)]


def test_what_is_there_is_left_alone_and_what_differs_is_named(
    backup: Backup, capsys: pytest.CaptureFixture[str]
) -> None:
    run(
        "DROP VIEW ledger.low CASCADE",
        "DROP INDEX ledger.bills_half",
        "ALTER TABLE ledger.bills ADD later int",
        "CREATE OR REPLACE FUNCTION ledger.stamp() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RETURN NEW; END $$",
    )
    call_command("restore", "--all", "--definitions", "--yes")
    out = capsys.readouterr().out
    assert ask("SELECT count(*) FROM ledger.lower") == [(0,)]
    named = [line for line in out.splitlines() if "NOT MADE" in line]
    assert "CREATE FUNCTION ledger.stamp()" in named[0]
    assert "already exists" in named[0]
    assert "CREATE TABLE ledger.bills" in "".join(named)
    assert "CREATE INDEX bills_half" in named[-1]
    assert "must be owner" in named[-1]
    assert ask("SELECT count(later) FROM ledger.bills") == [(0,)]


def test_nothing_that_a_definition_says_is_done_by_the_administrator(backup: Backup) -> None:
    """A forged file is only used where somebody trusts it, and even then by no superuser."""
    path = backup.folder / "ledger.sql"
    text = (
        b"CREATE TABLE ledger.mine (who text DEFAULT current_user);\n"
        b"ALTER TABLE ledger.mine ALTER who TYPE name USING ledger.tell(), OWNER TO postgres;\n"
        b"ALTER ROLE backup_restorer SUPERUSER;\n"
        b"ALTER TABLE service.api_key OWNER TO backup_restorer;\n"
        b"CREATE FUNCTION ledger.tell() RETURNS name LANGUAGE plpgsql AS"
        b" $$ BEGIN IF current_user <> 'backup_restorer' THEN DROP TABLE service.api_key; END IF;"
        b" RETURN current_user; END $$;\n"
    )
    path.write_bytes(text)
    changed = {"bytes": len(text), "sha256": sha256(text).hexdigest()}
    forge(
        backup,
        lambda manifest: replace(
            manifest, definitions=tuple(replace(one, **changed) for one in manifest.definitions)
        ),
    )
    with pytest.raises(BackupUntrusted):
        restore_backup(backup, RestoreRequest(definitions=True))
    report = restore_backup(backup, RestoreRequest(definitions=True, trust=True)).definitions
    assert report is not None
    assert {one.statement.split(" ")[1] for one in report.not_made} >= {"ROLE", "TABLE"}
    assert ask("SELECT rolsuper FROM pg_roles WHERE rolname = 'backup_restorer'") == [(False,)]
    assert ask("SELECT relowner::regrole::text FROM pg_class WHERE relname = 'api_key'") == [
        ("postgres",)
    ]
    schema = "has_schema_privilege('backup_restorer', 'ledger', 'CREATE')"
    assert ask(f"SELECT {schema}") == [(False,)]


def test_a_changed_or_missing_file_of_definitions_is_found(backup: Backup) -> None:
    path = backup.folder / "ledger.sql"
    change_bytes(path, 100)
    (problem,) = find_problems(backup)
    assert "ledger.sql" in str(problem)
    with pytest.raises(BackupDamaged, match=r"ledger\.sql"):
        restore_backup(backup, RestoreRequest(definitions=True))
    path.unlink()
    assert [str(one) for one in find_problems(backup)] == [
        "ledger.sql: The file cannot be read: No such file or directory"
    ]


def test_a_backup_without_pg_dump_says_so_and_is_good(
    ledger: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(conninfo: str, schema: str, *, snapshot: str | None = None) -> bytes:
        raise BackupError("There is no pg_dump")

    monkeypatch.setattr(make, "dump_definitions", fail)
    call_command("backup")
    out = capsys.readouterr().out
    assert "done" in out
    assert "the definitions of ledger are missing: There is no pg_dump" in out
    manifest = find_backup(None).read()
    assert manifest.complete
    assert manifest.definition_failures == {"ledger": "There is no pg_dump"}
    with pytest.raises(RestoreRefused, match="no definitions"):
        restore_backup(find_backup(None), RestoreRequest(definitions=True))


def test_a_backup_of_chosen_tables_has_no_definitions(ledger: None) -> None:
    assert find_backup(str(run_backup(tables=["ledger.notes"]).pk)).read().definitions == ()


def test_a_folder_that_is_no_backup_is_looked_for_in_the_archive(
    backup: Backup, tmp_path: Path
) -> None:
    assert locate_backup(backup.folder.name).folder == backup.folder
    with pytest.raises(BackupUnknown):
        locate_backup(str(tmp_path))
