"""Restores of some rows: those named by values, keys or a batch; all else stays."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from backups.errors import BackupError, LineageMissing, RestoreRefused, SelectionInvalid
from backups.make.make import make_backup
from backups.restore.plan import Mode, RestoreRequest, TablePlan
from backups.restore.restore import RestoreReport, restore_backup
from backups.restore.selection import select_rows
from backups.runs.runs import run_backup, run_undo
from backups.store.archive import find_backup
from backups.tables.catalog import find_table
from tests.integration.backups.dump import unchanged_definitions
from tests.integration.backups.tables import administrator, ask, run
from tests.scale import scale

pytestmark = pytest.mark.usefixtures("scratch")

BATCH = UUID("01900000-0000-7000-8000-000000000001")
STAFF = "SELECT id, team, note FROM hiring.staff ORDER BY id"


@pytest.fixture
def staff() -> None:
    """Back up a table and change each of its rows."""
    run(
        "CREATE TABLE hiring.staff (id int PRIMARY KEY, team int, note text, _batch uuid)",
        "INSERT INTO hiring.staff VALUES (1, 1, 'a'), (2, 1, NULL), (3, 2, ''), (4, 2, 'd')",
        f"UPDATE hiring.staff SET _batch = '{BATCH}' WHERE id IN (2, 3)",
    )
    run_backup(tables=["hiring.staff"])
    run(
        "UPDATE hiring.staff SET note = note || '!' WHERE id <> 3",
        "DELETE FROM hiring.staff WHERE id = 4",
        "INSERT INTO hiring.staff VALUES (5, 1, 'new'), (6, 2, 'new')",
    )


def restore(*tables: str, **options: Any) -> RestoreReport:
    return restore_backup(find_backup(None), RestoreRequest(tables=tables, **options))


def counts(plan: TablePlan) -> tuple[int, int, int, int]:
    return plan.inserted, plan.updated, plan.deleted, plan.unchanged


SELECTIONS: list[tuple[list[str], tuple[int, int, int, int], list[Any] | None]] = [
    (
        ["--where", "team=1"],
        (0, 1, 1, 1),
        [(1, 1, "a"), (2, 1, None), (3, 2, ""), (6, 2, "new")],
    ),
    (
        ["--where", "team=2", "--where", "note=d"],
        (1, 0, 0, 0),
        [(1, 1, "a!"), (2, 1, None), (3, 2, ""), (4, 2, "d"), (5, 1, "new"), (6, 2, "new")],
    ),
    (
        ["--keys", "1,6"],
        (0, 1, 1, 0),
        [(1, 1, "a"), (2, 1, None), (3, 2, ""), (5, 1, "new")],
    ),
    (["--batch", str(BATCH), "--where", r"note=\N"], (0, 0, 0, 1), None),
]


def test_rows_that_are_not_named_stay(staff: None, capsys: pytest.CaptureFixture[str]) -> None:
    before = ask(STAFF)
    with unchanged_definitions():
        for arguments, expected, rows in SELECTIONS:
            call_command("restore", "staff", *arguments)
            assert ask(STAFF) == (rows or before)
            words = "{} rows inserted, {} updated, {} deleted, {} unchanged".format(*expected)
            assert words in capsys.readouterr().out, arguments
            run_undo(["staff"])
            assert ask(STAFF) == before
    call_command("restore", "staff", "--keys", "1,6", "--dry-run")
    assert "0 rows inserted, 1 updated, 1 deleted, 0 unchanged" in capsys.readouterr().out
    assert ask(STAFF) == before


def test_a_row_is_named_by_what_it_is_or_what_it_was() -> None:
    run(
        "CREATE TABLE hiring.staff (id int PRIMARY KEY, team int)",
        "INSERT INTO hiring.staff VALUES (1, 1), (2, 2), (3, 3)",
    )
    run_backup(tables=["hiring.staff"])
    run("UPDATE hiring.staff SET team = CASE id WHEN 1 THEN 2 WHEN 2 THEN 1 ELSE 4 END")
    restore("staff", where={"team": "1"})
    assert ask("SELECT id, team FROM hiring.staff ORDER BY id") == [(1, 1), (2, 2), (3, 4)]


def test_keys_of_several_columns_come_from_a_file_and_unknown_ones_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(
        "CREATE TABLE hiring.days (day date, n int, note text, PRIMARY KEY (day, n))",
        "INSERT INTO hiring.days VALUES ('2024-01-01', 1, 'a'), ('2024-01-01', 2, 'b')",
    )
    run_backup(tables=["hiring.days"])
    run("DELETE FROM hiring.days")
    keys = tmp_path / "keys.csv"
    keys.write_text("note,n,day\nx,2,2024-01-01\n,3,2024-01-01\n,3,2024-01-01\n")
    call_command("restore", "days", "--keys", str(keys))
    assert "neither the backup nor the table has day=2024-01-01, n=3\n" in capsys.readouterr().out
    assert ask("SELECT n, note FROM hiring.days") == [(2, "b")]
    keys.write_text("day,n\n2024-01-01\n")
    with pytest.raises(SelectionInvalid, match="line 2"):
        call_command("restore", "days", "--keys", str(keys))
    with pytest.raises(SelectionInvalid, match="columns day, n by name"):
        call_command("restore", "days", "--keys", "1,2")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"where": {"Team": "1"}}, "no column 'Team'"),
        ({"where": {"later": "1"}}, "backup brings no column 'later'"),
        ({"where": {"team": "one"}}, "team"),
        ({"where": {"team": ""}}, "team"),
        ({"where": {"size": "1.555"}}, "size"),
        ({"where": {"net": "somewhere"}}, "invalid input syntax for type inet"),
        ({"where": {"doc": "{}"}}, "not selected by doc of type json"),
        ({"keys": ["x"]}, "id"),
        ({"keys": [{"team": "1"}]}, "columns id by name"),
    ],
)
def test_a_value_or_column_that_cannot_be_meant_is_refused(
    options: dict[str, Any], message: str
) -> None:
    run(
        "CREATE TABLE hiring.staff (id int PRIMARY KEY, team int, size numeric(6,2), net inet,"
        " doc json, later int)",
    )
    stored = {"id", "team", "size", "net", "doc"}
    request = RestoreRequest(**options)
    with administrator() as connection, connection.transaction():
        oid = find_table(connection, "hiring", "staff")
        with pytest.raises(SelectionInvalid, match=message) as refused:
            select_rows(connection, oid, "hiring.staff", stored, request)
    assert refused.value.fields["table"] == "hiring.staff"


@pytest.mark.parametrize("mode", get_args(Mode))
def test_what_file_and_table_do_not_both_have_selects_nothing(mode: Mode) -> None:
    run(
        "CREATE TABLE hiring.staff (id int PRIMARY KEY, gone int, team int,"
        " twice int GENERATED ALWAYS AS (team * 2) STORED)",
    )
    run_backup(tables=["hiring.staff"])
    run(
        "ALTER TABLE hiring.staff DROP gone, ADD later int",
        "INSERT INTO hiring.staff (id) VALUES (1)",
    )
    into = "staff_then" if mode == "new" else None
    for name in ("gone", "later", "twice"):
        with pytest.raises(SelectionInvalid, match=rf"hiring\.staff: .* no column '{name}'"):
            restore("staff", mode=mode, into=into, where={name: "1"})
    assert ask("SELECT id FROM hiring.staff") == [(1,)]


def test_without_lineage_or_a_primary_key_there_are_no_batches_or_keys() -> None:
    run("CREATE TABLE hiring.item (id int, _batch text)", "INSERT INTO hiring.item VALUES (1)")
    run_backup(tables=["hiring.item"])
    with pytest.raises(LineageMissing, match="no column _batch"):
        restore("item", batch=str(BATCH))
    with pytest.raises(SelectionInvalid, match="no primary key"):
        restore("item", keys=["1"])
    run("DELETE FROM hiring.item", "INSERT INTO hiring.item VALUES (2)")
    restore("item", where={"id": "1"})
    assert ask("SELECT id FROM hiring.item ORDER BY id") == [(1,), (2,)]


def test_rows_are_selected_of_several_tables_and_some_are_left_out() -> None:
    run(
        "CREATE TABLE hiring.parent (team int PRIMARY KEY)",
        "CREATE TABLE hiring.child (id int PRIMARY KEY, team int REFERENCES hiring.parent)",
        "INSERT INTO hiring.parent VALUES (1), (2)",
        "INSERT INTO hiring.child VALUES (10, 1), (20, 2)",
    )
    run_backup()
    run("DELETE FROM hiring.child", "DELETE FROM hiring.parent")
    with pytest.raises(RestoreRefused, match=r"refer to no row of hiring\.parent"):
        restore("child", where={"team": "1"})
    restore("child", "parent", where={"team": "1"})
    assert ask("SELECT id FROM hiring.child") == [(10,)]
    assert ask("SELECT team FROM hiring.parent") == [(1,)]
    call_command("restore", "--all", "--exclude", "child")
    assert ask("SELECT id FROM hiring.child") == [(10,)]
    assert ask("SELECT team FROM hiring.parent ORDER BY 1") == [(1,), (2,)]
    with pytest.raises(BackupError, match="no table 'cihld'"):
        call_command("restore", "--all", "--exclude", "cihld")
    with pytest.raises(CommandError, match="takes tables out of --all"):
        call_command("restore", "parent", "--exclude", "child")


def test_only_selected_rows_have_to_fit() -> None:
    run(
        "CREATE TABLE hiring.item (id int PRIMARY KEY, size int)",
        "INSERT INTO hiring.item VALUES (1, 10), (2, 70000), (3, 70000)",
    )
    run_backup(tables=["hiring.item"])
    run("UPDATE hiring.item SET size = 5", "ALTER TABLE hiring.item ALTER size TYPE smallint")
    restore("item", keys=["1"])
    assert ask("SELECT size FROM hiring.item ORDER BY id") == [(10,), (5,), (5,)]
    (plan,) = restore("item", keys=["1", "2"], dry_run=True).tables
    assert [str(one) for one in plan.will_not_fit] == ["1 rows: size does not fit smallint"]
    # The rows are selected as they are here: they are not to be deleted for want of a value.
    with pytest.raises(RestoreRefused, match="2 rows: size does not fit smallint"):
        restore("item", where={"size": "5"})


@pytest.fixture
def tree() -> None:
    """Back up a table whose rows go with those they refer to."""
    run(
        "CREATE TABLE hiring.tree (id int PRIMARY KEY,"
        " parent int REFERENCES hiring.tree ON DELETE CASCADE)",
        "INSERT INTO hiring.tree VALUES (1, NULL), (2, 1), (3, NULL)",
    )
    run_backup(tables=["hiring.tree"])


def test_a_new_table_has_the_selected_rows(tree: None) -> None:
    report = restore("tree", mode="new", into="tree_then", keys=["3", "9"])
    (plan,) = report.tables
    assert (report.rows, counts(plan), plan.keys_not_found) == (1, (1, 0, 0, 0), ("9",))
    assert ask("SELECT id FROM hiring.tree_then") == [(3,)]


def test_a_table_that_is_gone_is_made_with_the_selected_rows(tree: None) -> None:
    run("DROP TABLE hiring.tree")
    with pytest.raises(RestoreRefused):
        restore("tree", keys=["2"])
    with pytest.raises(SelectionInvalid, match=r"hiring\.tree: There is no column 'size'"):
        restore("tree", where={"size": "1"})
    (plan,) = restore("tree", keys=["1", "2"], dry_run=True).tables
    assert (plan.inserted, plan.will_not_fit) == (2, ())
    restore("tree", keys=["1", "2"])
    assert ask("SELECT id FROM hiring.tree ORDER BY id") == [(1,), (2,)]


def test_selected_rows_are_appended(staff: None) -> None:
    report = restore("staff", mode="append", where={"team": "2"}).appended["hiring.staff"]
    assert (report.inserted, report.rejected) == (1, 1)
    assert (4, 2, "d") in ask(STAFF)


@dataclass(frozen=True)
class Named:
    """Which rows are named, for the service and for the model."""

    where: dict[str, str | None]
    keys: list[int] | None
    batch: UUID | None

    def names(self, row: tuple[Any, ...] | None) -> bool:
        if row is None:
            return False
        identifier, team, price, batch = row
        return (
            ("team" not in self.where or team == self.where["team"])
            and ("price" not in self.where or price == int(float(self.where["price"] or 0)))
            and (self.keys is None or identifier in self.keys)
            and (self.batch is None or batch == self.batch)
        )


BATCHES = [BATCH, uuid4()]
ROWS = st.lists(
    st.tuples(
        st.integers(1, 8),
        st.none() | st.sampled_from(["", "a", r"%s'\""]),
        st.integers(0, 1),
        st.none() | st.sampled_from(BATCHES),
    ),
    max_size=10,
)
NAMED = st.builds(
    Named,
    st.fixed_dictionaries(
        {},
        optional={
            "team": st.none() | st.sampled_from(["", "a", r"%s'\""]),
            "price": st.sampled_from(["0", "1.00"]),
        },
    ),
    st.none() | st.lists(st.integers(0, 9), max_size=4),
    st.none() | st.sampled_from(BATCHES),
)
Rows = list[tuple[Any, ...]]


def store(rows: Rows) -> None:
    with administrator() as connection, connection.cursor() as cursor:
        cursor.execute("DELETE FROM hiring.anything")
        cursor.executemany("INSERT INTO hiring.anything VALUES (%s, %s, %s, %s)", rows)


def one_a_key(rows: Rows) -> dict[int, tuple[Any, ...]]:
    return {row[0]: row for row in rows}


def expect_by_key(file: Rows, table: Rows, named: Named) -> tuple[Rows, tuple[int, ...]]:
    """Return the table's rows afterwards, and how many were inserted, updated, deleted, kept."""
    was, now = one_a_key(file), one_a_key(table)
    after, done = [], Counter[str]()
    for key in sorted({*was, *now}):
        before, here = was.get(key), now.get(key)
        is_named = named.names(before) or named.names(here)
        after.append(before if is_named else here)
        if is_named:
            done[_change(before, here)] += 1
    kinds = ("inserted", "updated", "deleted", "unchanged")
    return [row for row in after if row is not None], tuple(done[kind] for kind in kinds)


def _change(before: Any, here: Any) -> str:
    if before == here:
        return "unchanged"
    return "inserted" if here is None else "deleted" if before is None else "updated"


def expect_by_count(file: Rows, table: Rows, named: Named) -> tuple[Rows, tuple[int, ...]]:
    was = Counter(row for row in file if named.names(row))
    now = Counter(row for row in table if named.names(row))
    others = Counter(row for row in table if not named.names(row))
    inserted, deleted, unchanged = was - now, now - was, was & now
    done = (inserted.total(), 0, deleted.total(), unchanged.total())
    return list((others + was).elements()), done


@settings(
    max_examples=scale(2),
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(ROWS, st.lists(st.tuples(ROWS, NAMED), min_size=2, max_size=2), st.booleans())
def test_any_selection_restores_what_a_model_says(
    file: Rows, changes: list[tuple[Rows, Named]], is_keyed: bool
) -> None:
    run(
        "DROP TABLE IF EXISTS hiring.anything",
        "CREATE TABLE hiring.anything (id int, team text, price numeric(4,2), _batch uuid)",
        *(["ALTER TABLE hiring.anything ADD PRIMARY KEY (id)"] if is_keyed else []),
    )
    file = list(one_a_key(file).values()) if is_keyed else file
    store(file)
    manifest = make_backup(uuid7(), tables=["hiring.anything"])
    backup = find_backup(str(manifest.id))
    for rows, named in changes:
        table = list(one_a_key(rows).values()) if is_keyed else rows
        store(table)
        keys = named.keys if is_keyed else None
        named = Named(named.where, keys, named.batch)
        expect = expect_by_key if is_keyed else expect_by_count
        after, done = expect(file, table, named)
        options: dict[str, Any] = {
            "tables": ["hiring.anything"],
            "where": named.where,
            "keys": None if keys is None else [str(key) for key in keys],
            "batch": named.batch and str(named.batch),
        }
        for dry_run in (True, False):
            report = restore_backup(backup, RestoreRequest(dry_run=dry_run, **options))
            (plan,) = report.tables
            assert counts(plan) == done
            assert stored() == sorted_rows(table if dry_run else after)
        unknown = set(keys or ()) - {row[0] for row in [*file, *table]}
        assert set(plan.keys_not_found) == {str(key) for key in unknown}
        run_undo(["hiring.anything"])
        assert stored() == sorted_rows(table)


def stored() -> Rows:
    return sorted_rows(ask("SELECT id, team, price::int, _batch FROM hiring.anything"))


def sorted_rows(rows: Rows) -> Rows:
    return sorted(rows, key=repr)
