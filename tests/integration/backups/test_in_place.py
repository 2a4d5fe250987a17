"""A restore changes rows and nothing else, whatever hangs on the table."""

from collections.abc import Iterator

import pytest

from backups.errors import RestoreRefused
from backups.restore.plan import RestoreRequest
from backups.restore.restore import RestoreReport, restore_backup
from backups.runs.runs import run_backup, run_undo
from backups.store.archive import find_backup
from tests.integration.backups.dump import unchanged_definitions
from tests.integration.backups.tables import ask, difference, keep_copy, run

pytestmark = pytest.mark.usefixtures("scratch")

TABLES = ["hiring.asset", "hiring.loose", "hiring.moments"]


def restore(*tables: str, dry_run: bool = False) -> RestoreReport:
    with unchanged_definitions():
        request = RestoreRequest(tables=tables, dry_run=dry_run)
        return restore_backup(find_backup(None), request)


@pytest.fixture
def tangle() -> Iterator[None]:
    """Make tables that much hangs on."""
    run(
        "CREATE FUNCTION hiring.mark() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO hiring.seen VALUES (1); RETURN coalesce(NEW, OLD); END $$",
        "CREATE TABLE hiring.seen (n int)",
        "CREATE TABLE hiring.asset (id int GENERATED ALWAYS AS IDENTITY"
        " (INCREMENT -1 MINVALUE -1000 MAXVALUE 10 START 10) PRIMARY KEY,"
        " code text NOT NULL, rank int, mood hiring.mood, price numeric,"
        " CONSTRAINT asset_code UNIQUE (code),"
        " CONSTRAINT asset_rank UNIQUE (rank) DEFERRABLE INITIALLY DEFERRED,"
        " low text GENERATED ALWAYS AS (lower(code)) STORED)",
        "ALTER TABLE hiring.asset REPLICA IDENTITY USING INDEX asset_code",
        "ALTER TABLE hiring.asset ALTER code SET STATISTICS 77",
        "ALTER TABLE hiring.asset SET (toast.autovacuum_enabled = off)",
        "CREATE STATISTICS hiring.asset_pair ON code, rank FROM hiring.asset",
        "ALTER TABLE hiring.asset ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY few ON hiring.asset USING (rank < 3)",
        "CREATE TABLE hiring.guarded (asset int REFERENCES hiring.asset ON DELETE CASCADE)",
        "ALTER TABLE hiring.guarded ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY known ON hiring.guarded USING"
        " (EXISTS (SELECT FROM hiring.asset a WHERE a.id = asset))",
        "CREATE VIEW hiring.first_view AS SELECT id, code FROM hiring.asset",
        "CREATE MATERIALIZED VIEW hiring.second_view AS SELECT count(*) FROM hiring.first_view",
        "CREATE FUNCTION hiring.take(hiring.asset) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE TABLE hiring.keeper (one hiring.asset)",
        "CREATE TRIGGER marks AFTER INSERT OR UPDATE OR DELETE ON hiring.asset FOR EACH ROW"
        " EXECUTE FUNCTION hiring.mark()",
        "CREATE PUBLICATION told FOR TABLE hiring.asset",
        "CREATE TABLE hiring.loose (doc json, at point, word char(4))",
        "CREATE TRIGGER always AFTER INSERT ON hiring.loose FOR EACH ROW"
        " EXECUTE FUNCTION hiring.mark()",
        "ALTER TABLE hiring.loose ENABLE ALWAYS TRIGGER always",
        "CREATE TABLE hiring.moments (at date, n int, note text, PRIMARY KEY (at, n))"
        " PARTITION BY RANGE (at)",
        "CREATE TABLE hiring.moments_old PARTITION OF hiring.moments"
        " FOR VALUES FROM ('2000-01-01') TO ('2020-01-01')",
        "CREATE TABLE hiring.moments_new PARTITION OF hiring.moments DEFAULT",
        "CREATE INDEX only_old ON hiring.moments_old (note)",
        "GRANT SELECT ON hiring.moments_old TO report_reader",
        "ALTER TABLE hiring.moments_old ADD CHECK (n > 0)",
        "CREATE VIEW hiring.old_view AS SELECT n FROM hiring.moments_old",
        "CREATE TABLE hiring.of_leaf (at date, n int,"
        " FOREIGN KEY (at, n) REFERENCES hiring.moments_old)",
        "INSERT INTO hiring.asset (code, rank, mood, price)"
        " VALUES ('A', 1, 'sad', 1.0), ('B', 2, 'sad', 2.50), ('C', 3, NULL, 'NaN')",
        "INSERT INTO hiring.guarded SELECT id FROM hiring.asset",
        "INSERT INTO hiring.loose VALUES ('{\"a\": 1.0}', '(1,2)', 'x'), (NULL, NULL, NULL),"
        " (NULL, NULL, NULL)",
        "INSERT INTO hiring.moments VALUES ('2001-01-01', 1, 'one'), ('2021-01-01', 2, 'two')",
        "INSERT INTO hiring.of_leaf VALUES ('2001-01-01', 1)",
        "TRUNCATE hiring.seen",
    )
    for name in ("asset", "loose", "moments"):
        keep_copy(name)
    yield
    run(
        "DROP PUBLICATION told",
        "DROP TABLE hiring.asset, hiring.keeper, hiring.loose, hiring.moments CASCADE",
        "DROP FUNCTION hiring.mark CASCADE",
    )


def change_rows() -> None:
    run(
        # Values of unique keys are exchanged, some only differ in their digits.
        "UPDATE hiring.asset SET code = code || '!', rank = 4 - rank, price = price + 0.00",
        "UPDATE hiring.asset SET code = 'A' WHERE code = 'B!'",
        "UPDATE hiring.asset SET code = 'B' WHERE code = 'A!'",
        "INSERT INTO hiring.asset (code, rank) VALUES ('D', 9)",
        "DELETE FROM hiring.loose WHERE ctid = '(0,2)'",
        "INSERT INTO hiring.loose VALUES (NULL, '(1,1)', NULL)",
        "UPDATE hiring.moments SET at = '2022-01-01' WHERE n = 2",
        "INSERT INTO hiring.moments VALUES ('2002-02-02', 3, 'three')",
        "TRUNCATE hiring.seen",
    )


ROWS = "SELECT (SELECT array_agg(t::text ORDER BY t::text) FROM hiring.{} t)"


def read_all() -> list[object]:
    return [ask(ROWS.format(name)) for name in ("asset", "loose", "moments")]


def test_a_restore_and_its_undo_change_rows_and_nothing_else(tangle: None) -> None:
    run_backup(tables=TABLES)
    change_rows()
    changed = read_all()
    told = restore(*TABLES, dry_run=True).tables
    assert read_all() == changed
    assert [(one.inserted, one.updated, one.deleted, one.will_not_fit) for one in told] == [
        (0, 3, 1, ()),
        (1, 0, 1, ()),
        (1, 0, 2, ()),
    ]
    restore(*TABLES)
    assert [difference(name) for name in ("asset", "loose", "moments")] == [0, 0, 0]
    assert ask("SELECT count(*) FROM hiring.guarded") == [(3,)]
    assert ask("SELECT n FROM hiring.seen") == [(1,)]  # of the trigger that always fires
    assert ask("INSERT INTO hiring.asset (code, rank) VALUES ('E', 7) RETURNING id") == [(6,)]
    run("DELETE FROM hiring.asset WHERE code = 'E'")
    with unchanged_definitions():
        run_undo(TABLES)
    assert read_all() == changed


def test_values_of_a_deferrable_key_are_asked_for(tangle: None) -> None:
    run("ALTER TABLE hiring.asset DROP CONSTRAINT asset_rank", "UPDATE hiring.asset SET rank = 1")
    run_backup(tables=["hiring.asset"])
    run(
        "UPDATE hiring.asset SET rank = -id",
        "ALTER TABLE hiring.asset ADD CONSTRAINT asset_rank UNIQUE (rank) DEFERRABLE",
    )
    (plan,) = restore("asset", dry_run=True).tables
    assert [(one.reason, one.rows) for one in plan.will_not_fit] == [
        ("asset_rank: other rows have their values", 3)
    ]
    with pytest.raises(RestoreRefused, match="asset_rank"):
        restore("asset")


def test_a_partition_that_others_refer_to_keeps_its_rows(tangle: None) -> None:
    run_backup(tables=["hiring.moments"])
    run(
        "INSERT INTO hiring.moments VALUES ('2003-03-03', 3, 'three')",
        "INSERT INTO hiring.of_leaf VALUES ('2003-03-03', 3)",
    )
    with pytest.raises(RestoreRefused, match="of_leaf_at_n_fkey"):
        restore("moments")
    assert ask("SELECT count(*) FROM hiring.moments") == [(3,)]


def test_a_sequence_keeps_its_bounds_and_its_direction() -> None:
    run(
        "CREATE SEQUENCE hiring.few MAXVALUE 5",
        "CREATE TABLE hiring.item (id int PRIMARY KEY DEFAULT nextval('hiring.few'))",
        "ALTER SEQUENCE hiring.few OWNED BY hiring.item.id",
        "INSERT INTO hiring.item VALUES (4), (9)",
    )
    run_backup(tables=["hiring.item"])
    run("DELETE FROM hiring.item")
    restore("item")
    assert ask("SELECT last_value FROM hiring.few") == [(5,)]


def test_labels_and_types_that_are_gone_are_told() -> None:
    run(
        "CREATE TABLE hiring.item (id int PRIMARY KEY, mood hiring.mood)",
        "INSERT INTO hiring.item VALUES (1, 'sad'), (2, NULL)",
    )
    run_backup(tables=["hiring.item"])
    run("ALTER TYPE hiring.mood RENAME VALUE 'sad' TO 'blue'", "DELETE FROM hiring.item")
    (plan,) = restore("item", dry_run=True).tables
    assert [(one.reason, one.rows) for one in plan.will_not_fit] == [("mood does not fit mood", 1)]
    run("DROP TABLE hiring.item", "ALTER TYPE hiring.mood RENAME TO temper")
    (plan,) = restore("item", dry_run=True).tables
    run("ALTER TYPE hiring.temper RENAME TO mood")
    assert "mood" in plan.will_not_fit[0].reason
    assert plan.will_not_fit[0].rows is None


@pytest.mark.parametrize("name", ["hiring.item_then", "item_then"])
def test_a_new_table_may_be_named_with_its_dataset(name: str) -> None:
    run("CREATE TABLE hiring.item (id int)", "INSERT INTO hiring.item VALUES (1)")
    run_backup(tables=["hiring.item"])
    request = RestoreRequest(tables=["item"], mode="new", into=name)
    restore_backup(find_backup(None), request)
    assert ask("SELECT id FROM hiring.item_then") == [(1,)]
    with pytest.raises(RestoreRefused, match="its own dataset, hiring"):
        restore_backup(
            find_backup(None), RestoreRequest(tables=["item"], mode="new", into="mds.item_then")
        )
