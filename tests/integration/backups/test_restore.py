"""Restores of tables that other things depend on, and of tables that changed."""

from pathlib import Path
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace
from psycopg import IsolationLevel
from uuid_utils.compat import uuid7

from backups.errors import RestoreRefused
from backups.make.make import make_backup
from backups.progress import Progress
from backups.restore.plan import RestoreRequest
from backups.restore.restore import RestoreReport, restore_backup
from backups.restore.swap import shadow
from backups.runs.runs import run_backup, run_drill
from backups.store.archive import find_backup, list_backups
from backups.tables.connection import admin_conninfo
from project.base.config import Keep
from tests.integration.backups.tables import PARTS, ask, difference, keep_copy, run

pytestmark = pytest.mark.usefixtures("scratch")


def restore(*tables: str, **options: Any) -> RestoreReport:
    return restore_backup(find_backup(None), RestoreRequest(tables=tables, **options))


def test_a_restored_table_is_defined_as_it_was(parts: None) -> None:
    before = ask(PARTS)
    keep_copy("parts")
    run_backup(tables=["hiring.parts"])
    run("UPDATE hiring.parts SET price = 9", "INSERT INTO hiring.parts (code) VALUES ('later')")
    restore("parts")
    assert difference("parts") == 0
    assert ask(PARTS) == before


def test_what_depends_on_a_restored_table_means_the_new_one(parts: None) -> None:
    run_backup(tables=["hiring.parts"])
    run("UPDATE hiring.parts SET price = 9")
    restore("parts")
    assert ask("SELECT code FROM hiring.dear") == [("b",)]
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        run("INSERT INTO hiring.uses VALUES (77)")
    run("DELETE FROM hiring.parts WHERE code = 'b'")
    assert ask("SELECT part FROM hiring.uses") == [(1,)]


def test_numbers_that_were_given_out_are_not_given_again(parts: None) -> None:
    run_backup(tables=["hiring.parts"])
    run("INSERT INTO hiring.parts (code) VALUES ('later')")
    restore("parts")
    assert ask("INSERT INTO hiring.parts (code) VALUES ('new') RETURNING id") == [(4,)]


def test_the_replaced_rows_are_kept_until_the_next_restore(parts: None) -> None:
    run_backup(tables=["hiring.parts"])
    run("INSERT INTO hiring.parts (code) VALUES ('later')")
    restore("parts")
    assert ask("SELECT code FROM undo_hiring.parts ORDER BY id") == [("a",), ("b",), ("later",)]
    restore("parts")
    assert ask("SELECT code FROM undo_hiring.parts ORDER BY id") == [("a",), ("b",)]


def test_a_table_whose_rows_others_need_is_not_replaced(parts: None) -> None:
    run("DELETE FROM hiring.parts WHERE code = 'b'")
    run_backup(tables=["hiring.parts"])
    run("INSERT INTO hiring.parts (code) VALUES ('c')", "INSERT INTO hiring.uses VALUES (3)")
    with pytest.raises(RestoreRefused, match="refer to rows that the backup does not have"):
        restore("parts")
    assert ask("SELECT code FROM hiring.parts ORDER BY id") == [("a",), ("c",)]
    assert ask("SELECT count(*) FROM hiring.uses") == [(2,)]


def test_tables_that_refer_to_each_other_are_restored_together(parts: None) -> None:
    run_backup(tables=["hiring.parts", "hiring.uses"])
    run("DELETE FROM hiring.parts")
    restore("uses", "parts")
    assert ask("SELECT part FROM hiring.uses ORDER BY 1") == [(1,), (2,)]
    assert ask("SELECT count(*) FROM hiring.parts") == [(2,)]


def test_a_dropped_table_is_made_again(parts: None) -> None:
    before = ask(PARTS)
    keep_copy("parts")
    run_backup(tables=["hiring.parts"])
    run("DROP TABLE hiring.parts CASCADE")
    restore("parts")
    assert difference("parts") == 0
    assert ask(PARTS) == before
    assert ask("INSERT INTO hiring.parts (code) VALUES ('new') RETURNING id") == [(3,)]


def test_rows_are_restored_though_a_virtual_column_cannot_be_computed() -> None:
    if int(ask("SHOW server_version_num")[0][0]) < 180000:
        pytest.skip("PostgreSQL has virtual columns since 18")
    run(
        "CREATE TABLE hiring.shared (id int PRIMARY KEY, n int,"
        " share int GENERATED ALWAYS AS (100 / n) VIRTUAL)",
        "INSERT INTO hiring.shared (id, n) VALUES (1, 0), (2, 50)",
    )
    finished = run_backup(tables=["hiring.shared"])
    run_drill(find_backup(str(finished.pk)))
    run("DELETE FROM hiring.shared")
    restore("shared")
    assert ask("SELECT id, n FROM hiring.shared ORDER BY id") == [(1, 0), (2, 50)]
    assert ask("SELECT share FROM hiring.shared WHERE id = 2") == [(2,)]


def test_a_partitioned_table_is_restored_with_its_partitions() -> None:
    run(
        "CREATE TABLE hiring.events (at date NOT NULL, n int, note text, PRIMARY KEY (at, n))"
        " PARTITION BY RANGE (at)",
        "CREATE TABLE hiring.events_2023 PARTITION OF hiring.events"
        " FOR VALUES FROM ('2023-01-01') TO ('2024-01-01')",
        "CREATE TABLE hiring.events_rest PARTITION OF hiring.events DEFAULT",
        "CREATE INDEX events_note_idx ON hiring.events (note)",
        "INSERT INTO hiring.events SELECT date '2022-06-01' + n, n, 'note ' || n"
        " FROM generate_series(1, 1000) n",
    )
    keep_copy("events")
    run_backup(tables=["hiring.events"])
    parts = "SELECT tableoid::regclass::text, count(*) FROM hiring.events GROUP BY 1 ORDER BY 1"
    before = ask(parts)
    run("DELETE FROM hiring.events WHERE n > 10")
    restore("events")
    assert difference("events") == 0
    assert ask(parts) == before
    assert ask(
        "SELECT count(*) FROM pg_indexes WHERE schemaname = 'hiring' AND indexname LIKE 'events%'"
    ) == [(6,)]
    run("DROP TABLE hiring.events")
    restore("events")
    assert difference("events") == 0


def test_a_reader_with_an_older_snapshot_sees_the_new_rows_whole() -> None:
    run("CREATE TABLE hiring.seen (n int)", "INSERT INTO hiring.seen SELECT generate_series(1, 50)")
    run_backup(tables=["hiring.seen"])
    run("DELETE FROM hiring.seen WHERE n > 7")
    with psycopg.connect(admin_conninfo()) as reader:
        reader.isolation_level = IsolationLevel.REPEATABLE_READ
        reader.execute("SELECT 1 FROM pg_class LIMIT 1")
        restore("seen")
        assert reader.execute("SELECT count(*) FROM hiring.seen").fetchone() == (50,)


def test_an_old_reader_of_a_partitioned_table_sees_the_new_rows_whole() -> None:
    run(
        "CREATE TABLE hiring.seen (n int) PARTITION BY HASH (n)",
        "CREATE TABLE hiring.seen_0 PARTITION OF hiring.seen"
        " FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
        "CREATE TABLE hiring.seen_1 PARTITION OF hiring.seen"
        " FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
        "INSERT INTO hiring.seen SELECT generate_series(1, 50)",
    )
    run_backup(tables=["hiring.seen"])
    run("DELETE FROM hiring.seen WHERE n > 7")
    with psycopg.connect(admin_conninfo()) as reader:
        reader.isolation_level = IsolationLevel.REPEATABLE_READ
        reader.execute("SELECT 1 FROM pg_class LIMIT 1")
        restore("seen")
        assert reader.execute("SELECT count(*) FROM hiring.seen").fetchone() == (50,)


def test_the_plan_tells_what_changed_and_which_rows_do_not_fit() -> None:
    run(
        "CREATE TABLE hiring.item (id int PRIMARY KEY, size int, gone text, word text)",
        "INSERT INTO hiring.item VALUES (1, 10, 'x', 'abc'), (2, 70000, 'y', NULL),"
        " (3, NULL, 'z', 'abcdef')",
    )
    run_backup(tables=["hiring.item"])
    run(
        "DELETE FROM hiring.item",
        "ALTER TABLE hiring.item DROP gone, ADD extra int DEFAULT 5, ALTER word SET NOT NULL,"
        " ALTER word TYPE varchar(4), ALTER size TYPE smallint",
        "INSERT INTO hiring.item (id, word) VALUES (9, 'now')",
    )
    (plan,) = restore("item", dry_run=True).plans
    assert (plan.rows_in_backup, plan.rows_now) == (3, 1)
    assert (plan.columns_added, plan.columns_dropped) == (("extra",), ("gone",))
    assert plan.defaults_used == {"extra": "5"}
    assert [(one.column, one.backup_type, one.table_type) for one in plan.columns_retyped] == [
        ("size", "integer", "smallint"),
        ("word", "text", "character varying(4)"),
    ]
    assert plan.newly_required == ("word",)
    assert {one.reason: one.rows for one in plan.misfits} == {
        "size does not fit smallint": 1,
        "word is null": 1,
        "word does not fit character varying(4)": 1,
    }
    assert ask("SELECT id FROM hiring.item") == [(9,)]
    with pytest.raises(RestoreRefused):
        restore("item")
    assert ask("SELECT id FROM hiring.item") == [(9,)]


def test_a_table_that_changed_takes_the_rows_that_fit() -> None:
    run(
        "CREATE TABLE hiring.item (id int PRIMARY KEY, size int, gone text)",
        "INSERT INTO hiring.item VALUES (1, 10, 'x'), (2, NULL, 'y')",
    )
    run_backup(tables=["hiring.item"])
    run("ALTER TABLE hiring.item DROP gone, ADD extra int DEFAULT 5, ALTER size TYPE bigint")
    restore("item")
    assert ask("SELECT id, size, extra FROM hiring.item ORDER BY id") == [(1, 10, 5), (2, None, 5)]


def test_a_value_that_would_be_rounded_is_refused() -> None:
    run("CREATE TABLE hiring.item (price numeric(6,2))", "INSERT INTO hiring.item VALUES (1.55)")
    run_backup(tables=["hiring.item"])
    run("TRUNCATE hiring.item", "ALTER TABLE hiring.item ALTER price TYPE numeric(6,1)")
    with pytest.raises(RestoreRefused, match="not what the backup holds"):
        restore("item")
    assert ask("SELECT count(*) FROM hiring.item") == [(0,)]


def test_restores_into_a_new_table_beside_the_old_one(parts: None) -> None:
    run_backup(tables=["hiring.parts"])
    run("UPDATE hiring.parts SET price = 9")
    restore("parts", mode="new", into="parts_then")
    assert ask("SELECT price FROM hiring.parts_then ORDER BY id") == [(1,), (2.5,)]
    assert ask("SELECT min(price) FROM hiring.parts") == [(9,)]
    assert ask("INSERT INTO hiring.parts_then (code) VALUES ('n') RETURNING id") == [(3,)]
    with pytest.raises(RestoreRefused, match="already"):
        restore("parts", mode="new", into="parts_then")


def test_appended_rows_that_no_longer_fit_are_rejections() -> None:
    run(
        "CREATE TABLE hiring.item (id int PRIMARY KEY, at timestamptz, amount numeric, doc jsonb,"
        " raw bytea, tags text[], word text)",
        "INSERT INTO hiring.item VALUES"
        " (1, '2024-01-01 12:00:00.123456+02', 1.10, '{\"a\": 1}', '\\x00ff', '{a,NULL}', 'abc'),"
        " (2, NULL, NULL, NULL, NULL, NULL, 'too long'),"
        " (3, 'infinity', NULL, NULL, NULL, NULL, '')",
    )
    keep_copy("item")
    run_backup(tables=["hiring.item"])
    run("DELETE FROM hiring.item", "ALTER TABLE hiring.item ALTER word TYPE varchar(4)")
    report = restore("item", mode="append").appended["hiring.item"]
    assert (report.inserted, report.rejected) == (1, 2)
    run("DELETE FROM kept.item WHERE id > 1")
    assert difference("item") == 0
    codes = ask("SELECT codes FROM service.rejection ORDER BY index")
    assert codes == [(["too_long"],), (["bad_timestamp"],)]


def test_a_drill_proves_a_backup_and_leaves_nothing(parts: None, whole_archive: Path) -> None:
    finished = run_backup()
    schemas = ask("SELECT nspname FROM pg_namespace ORDER BY 1")
    run_drill(find_backup(str(finished.pk)))
    assert ask("SELECT nspname FROM pg_namespace ORDER BY 1") == schemas
    assert ask("SELECT proven_at IS NOT NULL FROM service.backup_run WHERE kind = 'backup'") == [
        (True,)
    ]


def test_a_backup_holds_one_moment_of_all_tables_and_the_receipts(
    parts: None, whole_archive: Path
) -> None:
    finished = run_backup()
    manifest = find_backup(str(finished.pk)).read()
    names = {entry.full_name for entry in manifest.tables}
    assert {"hiring.parts", "hiring.uses", "service.batch", "service.rejection"} <= names
    assert not {name for name in names if "api_key" in name or "backup_run" in name}


def test_what_is_committed_during_a_backup_is_in_none_of_its_tables(parts: None) -> None:
    def write_meanwhile(_: int) -> None:
        run(
            "UPDATE hiring.parts SET price = 9",
            "INSERT INTO hiring.parts (code) VALUES ('later')",
            "INSERT INTO hiring.uses SELECT max(id) FROM hiring.parts",
        )

    keep_copy("parts")
    progress = Progress(expect_rows=write_meanwhile)  # called between snapshot and first table
    manifest = make_backup(uuid7(), progress=progress)
    rows = {entry.full_name: entry.rows for entry in manifest.tables}
    assert (rows["hiring.parts"], rows["hiring.uses"]) == (2, 2)
    assert (ask("SELECT count(*) FROM hiring.parts"), difference("parts") > 0) == ([(3,)], True)
    restore("parts", "uses")
    assert difference("parts") == 0


def test_numbers_given_out_during_a_restore_are_not_given_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run("CREATE TABLE hiring.item (id serial PRIMARY KEY)", "INSERT INTO hiring.item VALUES (1)")
    run_backup(tables=["hiring.item"])
    check = shadow.check_content

    def ingest_meanwhile(made: shadow.Shadow) -> None:
        run(
            "INSERT INTO hiring.item SELECT nextval('hiring.item_id_seq') + 0 * n"
            " FROM generate_series(2, 9) n WHERE n > 2"
        )
        check(made)

    run("SELECT setval('hiring.item_id_seq', 1)")
    monkeypatch.setattr(shadow, "check_content", ingest_meanwhile)
    restore("item")
    assert ask("INSERT INTO hiring.item DEFAULT VALUES RETURNING id") == [(9,)]


def test_a_table_that_changes_during_its_restore_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run("CREATE TABLE hiring.item (id int)", "INSERT INTO hiring.item VALUES (1)")
    run_backup(tables=["hiring.item"])
    check = shadow.check_content

    def alter_meanwhile(made: shadow.Shadow) -> None:
        run("ALTER TABLE hiring.item ADD extra int")
        check(made)

    monkeypatch.setattr(shadow, "check_content", alter_meanwhile)
    with pytest.raises(RestoreRefused, match="was changed while it was restored"):
        restore("item")
    assert ask("SELECT id, extra FROM hiring.item") == [(1, None)]


def test_old_backups_are_removed_after_a_new_one(settings: Any) -> None:
    keep = Keep(newest=2, daily=0, weekly=0, proven=1)
    config = settings.CONFIG
    settings.CONFIG = replace(config, backups=replace(config.backups, keep=keep))
    first = run_backup()
    run_drill(find_backup(str(first.pk)))
    later = [run_backup() for _ in range(3)]
    assert [one.id for one in list_backups()] == [later[2].pk, later[1].pk, first.pk]


def test_a_restore_tells_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backups.tables.frames.BATCH_BYTES", 1000)
    run(
        "CREATE TABLE hiring.item (id int PRIMARY KEY)",
        "INSERT INTO hiring.item SELECT generate_series(1, 1000)",
    )
    run_backup(tables=["hiring.item"])
    expected: list[int] = []
    done: list[int] = []
    restore_backup(
        find_backup(None),
        RestoreRequest(tables=["hiring.item"]),
        progress=Progress(expect_rows=expected.append, add_rows=done.append),
    )
    assert (expected, sum(done)) == ([1000], 1000)
    assert len([rows for rows in done if rows]) > 1
