"""An empty table is filled from the file itself, and is restored as any other."""

from pathlib import Path

import pytest
from psycopg import Connection

from backups.child.table_reader import TableReader
from backups.errors import BackupDamaged, RestoreRefused
from backups.progress import Progress
from backups.restore import execution
from backups.restore.inplace.file_rows import FileRows, load_rows
from backups.restore.inplace.table import LiveTable
from backups.restore.plan import RestoreRequest
from backups.restore.restore import RestoreReport, restore_backup
from backups.runs.runs import run_backup, run_undo
from backups.store.archive import find_backup
from backups.store.folder import Backup
from tests.integration.backups.archives import change_entry
from tests.integration.backups.dump import unchanged_definitions
from tests.integration.backups.tables import ask, difference, keep_copy, run

pytestmark = pytest.mark.usefixtures("scratch")


def restore(*tables: str) -> RestoreReport:
    with unchanged_definitions():
        return restore_backup(find_backup(None), RestoreRequest(tables=tables))


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the tables whose files are loaded beside them."""
    loaded: list[str] = []

    def note(
        connection: Connection, reader: TableReader, table: LiveTable, progress: Progress
    ) -> FileRows:
        loaded.append(table.full_name)
        return load_rows(connection, reader, table, progress)

    monkeypatch.setattr(execution, "load_rows", note)
    return loaded


def test_an_empty_table_is_filled_by_copy_alone_and_emptied_by_undo(
    parts: None, loads: list[str]
) -> None:
    keep_copy("parts")
    run_backup(tables=["hiring.parts"])
    run("TRUNCATE hiring.parts CASCADE", "ALTER TABLE hiring.parts ENABLE TRIGGER watch")
    (plan,) = restore("parts").tables
    assert (plan.inserted, plan.updated, plan.deleted, loads) == (2, 0, 0, [])
    assert difference("parts") == 0
    assert ask("INSERT INTO hiring.parts (code) VALUES ('new') RETURNING id") == [(3,)]
    with unchanged_definitions():
        (undone,) = run_undo(["parts"])
    assert undone.deleted == 2
    assert ask("SELECT code FROM hiring.parts") == [("new",)]


def test_rows_that_do_not_fit_an_empty_table_are_told_as_in_any_other(
    parts: None, loads: list[str]
) -> None:
    run_backup(tables=["hiring.parts"])
    run(
        "TRUNCATE hiring.parts CASCADE",
        "ALTER TABLE hiring.parts ADD CONSTRAINT cheap CHECK (price < 2)",
    )
    with pytest.raises(RestoreRefused, match=r"1 rows: cheap: CHECK"):
        restore("parts")
    assert loads == ["hiring.parts"]
    assert ask("SELECT count(*) FROM hiring.parts") == [(0,)]


def test_rows_of_an_empty_table_must_refer_to_rows(scratch: Path, loads: list[str]) -> None:
    run(
        "CREATE TABLE hiring.one (id int PRIMARY KEY)",
        "CREATE TABLE hiring.two (id int REFERENCES hiring.one)",
        "INSERT INTO hiring.one VALUES (1), (2)",
        "INSERT INTO hiring.two VALUES (1), (2)",
    )
    run_backup(tables=["hiring.two"])
    run("TRUNCATE hiring.two", "DELETE FROM hiring.one WHERE id = 2")
    with pytest.raises(RestoreRefused, match=r"1 rows: two_id_fkey"):
        restore("two")
    assert (ask("SELECT count(*) FROM hiring.two"), loads) == ([(0,)], [])


def test_a_file_that_is_not_what_was_written_fills_nothing(backup: Backup) -> None:
    run("TRUNCATE hiring.one")
    change_entry(backup, content_sha256="0" * 64)
    with pytest.raises(BackupDamaged):
        restore("one")
    assert ask("SELECT count(*) FROM hiring.one") == [(0,)]


def test_a_column_that_the_backup_lacks_has_its_default(scratch: Path, loads: list[str]) -> None:
    run("CREATE TABLE hiring.one (id int)", "INSERT INTO hiring.one VALUES (1), (1)")
    run_backup(tables=["hiring.one"])
    run("TRUNCATE hiring.one", "ALTER TABLE hiring.one ADD later serial, ADD note text DEFAULT 'x'")
    restore("one")
    rows = [(1, 1, "x"), (1, 2, "x")]
    assert (ask("SELECT * FROM hiring.one ORDER BY later"), loads) == (rows, [])
