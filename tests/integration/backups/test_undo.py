"""manage.py restore --undo: what a restore changed is changed back."""

from dataclasses import asdict

import pytest
from django.core.management import CommandError, call_command

from backups.errors import RestoreRefused
from backups.models import BackupRun
from backups.restore.inplace.undo import Undone
from backups.restore.plan import RestoreRequest
from backups.restore.restore import restore_backup
from backups.runs.runs import run_backup, run_undo
from backups.store.archive import find_backup
from tests.integration.backups.dump import unchanged_definitions
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
    with unchanged_definitions():
        (undone,) = run_undo(["parts"])
    assert undone == Undone("hiring.parts", inserted=1, updated=0, deleted=0, left=0)
    assert ask(CODES) == [(["a", "b", "later"],)]
    assert ask(PARTS) == definition
    assert ask("SELECT code FROM hiring.dear") == [("b",)]
    assert ask("INSERT INTO hiring.parts (code, parent) VALUES ('new', 3) RETURNING id") == [(4,)]
    assert BackupRun.objects.latest("id").report == {"hiring.parts": asdict(undone)}


def test_undone_twice_the_restored_rows_are_back(restored: None) -> None:
    run_undo(["hiring.parts"])
    run_undo(["hiring.parts"])
    assert ask(CODES) == [(["a", "b"],)]
    assert ask("SELECT code, rowhouse_image FROM undo_hiring.parts") == [("later", "before")]


def test_a_dry_run_only_tells(restored: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("restore", "parts", undo=True, dry_run=True)
    assert capsys.readouterr().out == (
        "hiring.parts: 1 rows would be inserted, 0 updated, 0 deleted\n"
    )
    assert ask(CODES) == [(["a", "b"],)]


def test_rows_that_others_need_keep_a_restore_from_being_undone(restored: None) -> None:
    run_undo(["parts"])
    run("INSERT INTO hiring.uses SELECT id FROM hiring.parts WHERE code = 'later'")
    with pytest.raises(RestoreRefused, match="refer to rows that would be gone"):
        run_undo(["parts"])
    assert ask(CODES) == [(["a", "b", "later"],)]
    assert ask("SELECT count(*) FROM undo_hiring.parts") == [(1,)]


@pytest.fixture
def changed(parts: None) -> None:
    """Restore a table of which each row differs; two of its rows are changed afterwards."""
    run("INSERT INTO hiring.parts (code, price) VALUES ('c', 3)")
    run_backup(tables=["hiring.parts"])
    run("UPDATE hiring.parts SET price = price + 10", "DELETE FROM hiring.parts WHERE code = 'c'")
    restore_backup(find_backup(None), RestoreRequest(tables=["hiring.parts"]))
    run("UPDATE hiring.parts SET price = 99 WHERE code IN ('b', 'c')")


PRICES = "SELECT code, price::int FROM hiring.parts ORDER BY id"


def test_rows_that_were_changed_since_are_left_alone(
    changed: None, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("restore", "parts", undo=True)
    assert capsys.readouterr().out == (
        "hiring.parts: 0 rows were inserted, 1 updated, 0 deleted\n"
        "  2 were changed since and left alone (see --force)\n"
    )
    assert ask(PRICES) == [("a", 11), ("b", 99), ("c", 99)]


def test_rows_that_were_changed_since_are_undone_by_force(changed: None) -> None:
    (undone,) = run_undo(["parts"], force=True)
    assert undone == Undone("hiring.parts", inserted=0, updated=1 + 1, deleted=1, left=0)
    assert ask(PRICES) == [("a", 11), ("b", 13)]


def test_equal_rows_without_a_key_are_counted() -> None:
    run(
        "CREATE TABLE hiring.bag (doc json)",
        """INSERT INTO hiring.bag VALUES ('1'), ('1'), (null)""",
    )
    run_backup(tables=["hiring.bag"])
    run("DELETE FROM hiring.bag", "INSERT INTO hiring.bag VALUES ('1'), ('2')")
    kept = "SELECT doc::text FROM hiring.bag ORDER BY 1"
    with unchanged_definitions():
        restore_backup(find_backup(None), RestoreRequest(tables=["hiring.bag"]))
        assert ask(kept) == [("1",), ("1",), (None,)]
        (undone,) = run_undo(["bag"])
    assert (undone.inserted, undone.deleted, ask(kept)) == (1, 2, [("1",), ("2",)])


def test_a_table_that_was_altered_since_is_left_alone(restored: None) -> None:
    run("ALTER TABLE hiring.parts ADD COLUMN colour text")
    with pytest.raises(RestoreRefused, match="was altered"):
        run_undo(["parts"])
    assert ask("SELECT count(*) FROM undo_hiring.parts") == [(1,)]


def test_a_table_that_was_not_restored_has_nothing_to_undo(restored: None) -> None:
    with pytest.raises(RestoreRefused, match="no table that has the name uses"):
        run_undo(["uses"])
    with pytest.raises(CommandError, match="only"):
        call_command("restore", "parts", undo=True, mode="append")
