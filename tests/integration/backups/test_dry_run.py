"""What a dry run says about foreign keys: tables of the same run are looked at as they will be."""

import pytest

from backups.errors import RestoreRefused
from backups.restore.plan import Mode, RestoreRequest, TablePlan
from backups.restore.restore import RestoreReport, restore_backup
from backups.runs.runs import run_backup
from backups.store.archive import find_backup
from tests.integration.backups.tables import ask, run

pytestmark = pytest.mark.usefixtures("scratch")


def restore(
    *tables: str, mode: Mode = "replace", into: str | None = None, dry_run: bool = False
) -> RestoreReport:
    request = RestoreRequest(tables=tables, mode=mode, into=into, dry_run=dry_run)
    return restore_backup(find_backup(None), request)


def plan(*tables: str, mode: Mode = "replace", into: str | None = None) -> list[TablePlan]:
    return restore(*tables, mode=mode, into=into, dry_run=True).tables


def misfits(plans: list[TablePlan]) -> dict[str, int]:
    return {one.reason: one.rows or 0 for each in plans for one in each.will_not_fit}


@pytest.fixture
def family() -> None:
    """Make `child` refer to `parent` and to itself, back up both, and empty them."""
    run(
        "CREATE TABLE hiring.parent (id int PRIMARY KEY)",
        "CREATE TABLE hiring.child (id int PRIMARY KEY, parent int NOT NULL"
        " CONSTRAINT to_parent REFERENCES hiring.parent, twin int"
        " CONSTRAINT to_twin REFERENCES hiring.child)",
        "INSERT INTO hiring.parent VALUES (1), (2)",
        "INSERT INTO hiring.child VALUES (10, 1, 11), (11, 2, 10), (12, 2, NULL)",
    )
    run_backup(tables=["hiring.child", "hiring.parent"])
    run("DELETE FROM hiring.child", "DELETE FROM hiring.parent")


@pytest.mark.parametrize("mode", ["replace", "append"])
def test_rows_may_refer_to_those_restored_with_them(family: None, mode: Mode) -> None:
    plans = plan("child", "parent", mode=mode)
    assert (misfits(plans), [one.inserted for one in plans]) == ({}, [3, 2])
    restore("child", "parent", mode=mode)
    assert ask("SELECT count(*) FROM hiring.child") == [(3,)]
    assert ask("SELECT count(*) FROM service.rejection") == [(0,)]


def test_rows_whose_referred_ones_are_not_restored_do_not_fit(family: None) -> None:
    run("INSERT INTO hiring.parent VALUES (1)")
    assert misfits(plan("child")) == {"to_parent: they refer to no row of hiring.parent": 2}
    with pytest.raises(RestoreRefused):
        restore("child")


def test_a_new_table_refers_to_the_others_as_they_are(family: None) -> None:
    run("INSERT INTO hiring.parent VALUES (2)")
    (reason,) = misfits(plan("child", mode="new", into="child_then"))
    assert "to_parent" in reason
    assert "Key (parent)=(1) is not present" in reason
    assert ask("SELECT to_regclass('hiring.child_then')") == [(None,)]


def test_rows_whose_values_do_not_fit_cannot_be_referred_to() -> None:
    run(
        "CREATE TABLE hiring.parent (id int PRIMARY KEY)",
        "CREATE TABLE hiring.child (parent int CONSTRAINT to_parent REFERENCES hiring.parent)",
        "INSERT INTO hiring.parent VALUES (1), (70000)",
        "INSERT INTO hiring.child VALUES (1), (70000), (70000), (NULL)",
    )
    run_backup(tables=["hiring.child", "hiring.parent"])
    run("TRUNCATE hiring.parent, hiring.child", "ALTER TABLE hiring.parent ALTER id TYPE smallint")
    assert misfits(plan("child", "parent")) == {
        "id does not fit smallint": 1,
        "to_parent: they refer to no row of hiring.parent": 2,
    }


def test_rows_that_would_lose_what_they_refer_to_refuse_the_restore(family: None) -> None:
    run("INSERT INTO hiring.parent VALUES (1), (7)", "INSERT INTO hiring.child VALUES (1, 7, NULL)")
    assert misfits(plan("parent")) == {
        "to_parent: rows of hiring.child refer to rows that would be gone": 1
    }
    with pytest.raises(RestoreRefused, match="refer to rows that would be gone"):
        restore("parent")
    assert ask("SELECT count(*) FROM hiring.parent") == [(2,)]
    assert misfits(plan("parent", mode="append")) == {}


def test_rows_that_break_an_unchecked_constraint_are_told_and_stay_where_they_are() -> None:
    run(
        "CREATE TABLE hiring.old (id int PRIMARY KEY, n int)",
        "INSERT INTO hiring.old VALUES (1, -1), (2, 2)",
        "ALTER TABLE hiring.old ADD CONSTRAINT positive CHECK (n > 0) NOT VALID",
    )
    run_backup(tables=["hiring.old"])
    run("DELETE FROM hiring.old WHERE n = 2")
    restore("old")
    assert ask("SELECT count(*) FROM hiring.old") == [(2,)]
    run("DELETE FROM hiring.old")
    assert misfits(plan("old")) == {"positive: CHECK ((n > 0)) NOT VALID": 1}
    with pytest.raises(RestoreRefused, match="positive"):
        restore("old")
    assert ask(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'positive'"
        " AND conrelid = 'hiring.old'::regclass"
    ) == [("CHECK ((n > 0)) NOT VALID",)]
