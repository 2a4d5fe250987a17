"""manage.py restore --undo: what a restore replaced is put back."""

import pytest
from django.core.management import CommandError, call_command

from backups.errors import RestoreRefused
from backups.models import BackupRun
from backups.restore.plan import RestoreRequest
from backups.restore.restore import restore_backup
from backups.runs.runs import run_backup, run_undo
from backups.store.archive import find_backup
from tests.integration.backups.tables import PARTS, ask, run

pytestmark = pytest.mark.usefixtures("scratch")

CODES = "SELECT array_agg(code ORDER BY id) FROM hiring.parts"


@pytest.fixture
def restored(parts: None) -> None:
    """Restore a table that had a row more."""
    run_backup(tables=["hiring.parts"])
    run("INSERT INTO hiring.parts (code, parent) VALUES ('later', 2)")
    restore_backup(find_backup(None), RestoreRequest(tables=["hiring.parts"]))
    assert ask(CODES) == [(["a", "b"],)]


def test_an_undone_restore_leaves_the_table_as_it_was(restored: None) -> None:
    definition = ask(PARTS)
    (undone,) = run_undo(["parts"])
    assert (undone.table, undone.rows_before, undone.rows) == ("hiring.parts", 2, 3)
    assert ask(CODES) == [(["a", "b", "later"],)]
    assert ask(PARTS) == definition
    assert ask("SELECT code FROM hiring.dear") == [("b",)]
    assert ask("INSERT INTO hiring.parts (code, parent) VALUES ('new', 3) RETURNING id") == [(4,)]
    assert BackupRun.objects.latest("id").report == {"hiring.parts": 3}


def test_undone_twice_the_restored_rows_are_back(restored: None) -> None:
    run_undo(["hiring.parts"])
    run_undo(["hiring.parts"])
    assert ask(CODES) == [(["a", "b"],)]
    assert ask("SELECT count(*) FROM undo_hiring.parts") == [(3,)]


def test_a_dry_run_only_tells(restored: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("restore", "parts", undo=True, dry_run=True)
    assert capsys.readouterr().out == "hiring.parts: would have 3 rows instead of 2\n"
    assert ask(CODES) == [(["a", "b"],)]


def test_rows_that_others_need_keep_a_restore_from_being_undone(restored: None) -> None:
    run("INSERT INTO hiring.parts (code) VALUES ('c')")
    run("INSERT INTO hiring.uses SELECT id FROM hiring.parts WHERE code = 'c'")
    with pytest.raises(RestoreRefused, match="refer to rows"):
        run_undo(["parts"])
    assert ask(CODES) == [(["a", "b", "c"],)]
    assert ask("SELECT count(*) FROM undo_hiring.parts") == [(3,)]


def test_a_table_that_was_altered_since_is_left_alone(restored: None) -> None:
    run("ALTER TABLE hiring.parts ADD COLUMN colour text")
    with pytest.raises(RestoreRefused, match="was altered"):
        run_undo(["parts"])
    assert ask("SELECT count(*) FROM undo_hiring.parts") == [(3,)]


def test_a_table_that_was_not_restored_has_nothing_to_undo(restored: None) -> None:
    with pytest.raises(RestoreRefused, match="no table that has the name uses"):
        run_undo(["uses"])
    with pytest.raises(CommandError, match="only"):
        call_command("restore", "parts", undo=True, mode="append")
