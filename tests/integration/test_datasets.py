"""A dataset's schema.sql, applied and applied again after it changed."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction

from project.models import AppliedSchema
from project.schema.datasets import SetupRefused, apply_dataset, set_up_database
from project.schema.objects import Key, read_objects

pytestmark = pytest.mark.usefixtures("database")

DATASET = "shop"

FIRST = """
CREATE TYPE color AS ENUM ('red', 'blue');
CREATE TABLE makers (
  maker_id integer PRIMARY KEY,
  name varchar(20) NOT NULL
);
CREATE TABLE items (
  item_id integer PRIMARY KEY,
  maker_id integer NOT NULL REFERENCES makers,
  amount integer,
  color color,
  CONSTRAINT items_amount_check CHECK (amount > 0)
);
CREATE INDEX items_maker_id_idx ON items (maker_id);
COMMENT ON TABLE items IS 'Things';
COMMENT ON COLUMN items.amount IS 'How many';
"""

Apply = Callable[[str], list[str]]


@pytest.fixture
def apply(tmp_path: Path) -> Iterator[Apply]:
    file = tmp_path / "schema.sql"

    def apply(text: str) -> list[str]:
        file.write_text(text)
        with transaction.atomic():
            return apply_dataset(connection, DATASET, file)

    yield apply
    run(f"DROP SCHEMA IF EXISTS {DATASET} CASCADE")
    AppliedSchema.objects.filter(pk=DATASET).delete()


def run(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def fill() -> None:
    run("INSERT INTO shop.makers VALUES (1, 'Ada')")
    run("INSERT INTO shop.items VALUES (1, 1, 5, 'red')")


def live() -> dict[Key, dict[str, Any]]:
    with transaction.atomic():
        return read_objects(connection, DATASET).details


def catalog_rows() -> list[tuple[Any, ...]]:
    """Every catalog row of the schema's tables with the transaction that wrote it."""
    return run(
        "SELECT c.relname, c.xmin::text, a.attname, a.xmin::text "
        "FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
        "WHERE c.relnamespace = 'shop'::regnamespace ORDER BY 1, 3"
    )


def test_a_first_file_is_run_as_it_is(apply: Apply) -> None:
    text = FIRST + (
        "CREATE VIEW many AS SELECT * FROM items WHERE amount > 100;"
        "CREATE FUNCTION one() RETURNS int LANGUAGE sql RETURN 1;"
    )
    assert apply(text) == ["create table items", "create table makers"]
    assert run("SELECT shop.one(), count(*) FROM shop.many") == [(1, 0)]


def test_an_unchanged_file_changes_nothing(apply: Apply) -> None:
    apply(FIRST)
    before = catalog_rows()
    assert apply(FIRST) == []
    assert catalog_rows() == before


def test_the_draft_schema_is_never_left(apply: Apply) -> None:
    apply(FIRST)
    apply(FIRST + "CREATE TABLE more (id int);")
    assert run("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'rowhouse%'") == []


def test_additions_keep_the_rows(apply: Apply) -> None:
    apply(FIRST)
    fill()
    changed = FIRST.replace("amount integer,", "amount bigint, note text DEFAULT 'x' NOT NULL,")
    changed = changed.replace("varchar(20)", "varchar(40)").replace("'blue'", "'green', 'blue'")
    changed = changed.replace("'How many'", "'How many there are'")
    changed += """
    CREATE TABLE sales (
      sale_id bigserial PRIMARY KEY,
      place integer GENERATED ALWAYS AS IDENTITY,
      item_id integer NOT NULL REFERENCES items,
      price numeric(10,2) CONSTRAINT positive CHECK (price > 0),
      vat numeric GENERATED ALWAYS AS (price * 0.2) STORED
    );
    COMMENT ON TABLE sales IS 'Sold';
    CREATE UNIQUE INDEX items_note_idx ON items (lower(note)) WHERE amount > 3;
    """
    assert apply(changed) == [
        "add label green to enum color",
        "create table sales",
        "widen column makers.name to character varying(40)",
        "widen column items.amount to bigint",
        "create column items.note",
        "create constraint sales.positive",
        "create constraint sales.sales_pkey",
        "create constraint sales.sales_item_id_fkey",
        "create index items.items_note_idx",
        "change comment of items.amount",
        "create comment of sales",
    ]
    assert run("SELECT * FROM shop.items") == [(1, 1, 5, "red", "x")]
    run("INSERT INTO shop.sales (item_id, price) VALUES (1, 10)")
    assert [str(value) for value in run("SELECT * FROM shop.sales")[0]] == [
        *("1", "1", "1", "10.00", "2.000")
    ]


def test_a_changed_schema_equals_a_new_one(apply: Apply) -> None:
    apply(FIRST)
    changed = FIRST.replace("amount integer,", "amount bigint DEFAULT 7,") + (
        "CREATE TABLE logs (at timestamptz NOT NULL, what text) PARTITION BY RANGE (at);"
        "CREATE INDEX ON logs (what);"
        "CREATE TABLE logs_2024 PARTITION OF logs FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');"
    )
    apply(changed)
    grown = live()
    run("DROP SCHEMA shop CASCADE")
    AppliedSchema.objects.filter(pk=DATASET).delete()
    apply(changed)
    assert grown == live()


def test_what_holds_no_data_goes_with_the_file(apply: Apply) -> None:
    apply(FIRST)
    fill()
    changed = FIRST.replace("CREATE INDEX items_maker_id_idx ON items (maker_id);", "")
    changed = changed.replace("CHECK (amount > 0)", "CHECK (amount > 1)")
    changed = changed.replace("COMMENT ON TABLE items IS 'Things';", "")
    assert apply(changed) == [
        "drop index items.items_maker_id_idx",
        "drop comment of items",
        "drop constraint items.items_amount_check",
        "create constraint items.items_amount_check",
    ]
    assert Key("index", "items", "items_maker_id_idx") not in live()


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("amount integer,", "", "column items.amount is no longer in schema.sql"),
        ("amount integer,", "amount smallint,", "type integer -> smallint"),
        ("varchar(20)", "varchar(9)", "run ALTER TABLE makers ALTER COLUMN name … by hand"),
        ("amount integer,", "amount integer, note text NOT NULL,", "give the column a DEFAULT"),
        ("amount > 0", "amount > 9", "correct the rows that break it"),
        ("('red', 'blue')", "('blue', 'red')", "enum color loses or reorders labels"),
        (
            "item_id integer PRIMARY KEY,",
            "item_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,",
            "identity",
        ),
    ],
)
def test_what_could_lose_data_is_refused_with_what_to_do(
    apply: Apply, old: str, new: str, reason: str
) -> None:
    apply(FIRST)
    fill()
    before = live()
    text = FIRST.replace(old, new)
    if "amount" not in text.partition("CONSTRAINT")[0]:
        text = text.replace("amount > 0", "item_id > 0").replace("amount IS 'How", "color IS 'How")
    assert text != FIRST
    with pytest.raises(SetupRefused) as refused:
        apply(text + "CREATE TABLE welcome (id int);")
    assert reason in refused.value.message
    assert live() == before
    assert AppliedSchema.objects.get(pk=DATASET).schema_sql == FIRST


def test_not_null_is_set_where_it_holds_and_refused_where_not(apply: Apply) -> None:
    apply(FIRST)
    fill()
    changed = FIRST.replace("amount integer", "amount integer NOT NULL")
    run("INSERT INTO shop.items VALUES (2, 1, NULL)")
    with pytest.raises(SetupRefused, match="fill the rows where it is null"):
        apply(changed)
    run("UPDATE shop.items SET amount = 1 WHERE amount IS NULL")
    assert apply(changed) == ["set NOT NULL of column items.amount"]
    assert apply(FIRST) == ["drop NOT NULL of column items.amount"]


def test_all_refusals_are_told_at_once(apply: Apply) -> None:
    apply(FIRST)
    with pytest.raises(SetupRefused) as refused:
        apply("CREATE TABLE items (item_id text PRIMARY KEY);")
    named = refused.value.fields["refusals"]
    assert len([line for line in named if "is no longer in schema.sql" in line]) == 7


def test_changes_made_by_hand_are_left_alone(apply: Apply) -> None:
    apply(FIRST)
    run("ALTER TABLE shop.items DROP COLUMN color, ADD COLUMN mine text")
    run("ALTER TABLE shop.items ALTER COLUMN amount TYPE text USING 'x', DROP CONSTRAINT "
        "items_amount_check")  # fmt: skip
    run("CREATE TABLE shop.by_hand (id int)")
    by_hand = live()
    assert apply(FIRST) == []
    assert apply(FIRST + "CREATE TABLE more (id int);") == ["create table more"]
    assert {key: value for key, value in live().items() if key.table != "more"} == by_hand


def test_a_change_made_by_hand_first_and_then_in_the_file_is_accepted(apply: Apply) -> None:
    apply(FIRST)
    run("ALTER TABLE shop.items RENAME COLUMN amount TO pieces")
    assert apply(FIRST.replace("amount", "pieces").replace("items_pieces", "items_amount")) == []


def test_a_dropped_table_is_made_again_empty(apply: Apply) -> None:
    apply(FIRST)
    fill()
    before = live()
    run("DROP TABLE shop.items")
    assert apply(FIRST)[0] == "create table items"
    assert live() == before
    assert run("SELECT * FROM shop.makers") == [(1, "Ada")]


def test_an_existing_table_of_unknown_origin_is_compared_and_kept(apply: Apply) -> None:
    run("CREATE SCHEMA shop")
    run("CREATE TABLE shop.makers (maker_id integer PRIMARY KEY, name text NOT NULL)")
    with pytest.raises(SetupRefused, match="type text -> character varying"):
        apply(FIRST)
    run("DROP TABLE shop.makers")
    run("CREATE TABLE shop.makers (maker_id integer PRIMARY KEY, name varchar(20) NOT NULL)")
    assert "create table items" in apply(FIRST)


def test_a_new_function_in_an_existing_dataset_is_left_to_people(apply: Apply) -> None:
    apply(FIRST)
    function = "CREATE FUNCTION one() RETURNS int LANGUAGE sql RETURN 1;"
    with pytest.raises(SetupRefused, match=r"function one\(\) is new or changed in schema.sql"):
        apply(FIRST + function)
    run(function.replace("one", "shop.one"))
    assert apply(FIRST + function) == []


def test_an_error_in_the_file_is_told(apply: Apply) -> None:
    with pytest.raises(SetupRefused, match='type "nonsense" does not exist'):
        apply("CREATE TABLE x (id nonsense);")


def test_a_file_may_not_commit(apply: Apply) -> None:
    with pytest.raises(SetupRefused, match="must not contain COMMIT"):
        apply("CREATE TABLE x (id int); COMMIT;")
    assert apply(FIRST)


def test_a_dataset_without_a_file_gets_its_schema(tmp_path: Path) -> None:
    with transaction.atomic():
        assert apply_dataset(connection, DATASET, tmp_path / "none.sql") == []
    assert run("SELECT 1 FROM pg_namespace WHERE nspname = 'shop'") == [(1,)]
    run("DROP SCHEMA shop")


def test_only_datasets_of_rest_conf_can_be_set_up(tmp_path: Path) -> None:
    with pytest.raises(SetupRefused, match="nowhere: not among the datasets"):
        set_up_database(
            connection,
            config=settings.CONFIG,
            folder=tmp_path,
            secrets_dir=settings.SECRETS_DIR,
            only=["nowhere"],
        )


def test_the_hiring_tables_require_every_column() -> None:
    with transaction.atomic():
        columns = read_objects(connection, "hiring").details
    required = {
        (key.table, key.name): detail["not_null"]
        for key, detail in columns.items()
        if key.kind == "column"
    }
    assert len(required) == 9
    assert all(required.values())


PARTITIONED = """
CREATE TABLE events (
  event_id bigint NOT NULL,
  happened timestamptz NOT NULL CHECK (happened > '2000-01-01'),
  PRIMARY KEY (event_id, happened)
) PARTITION BY RANGE (happened);
CREATE TABLE october PARTITION OF events FOR VALUES FROM ('2026-10-01') TO ('2026-11-01');
CREATE INDEX october_idx ON october (happened);
COMMENT ON TABLE october IS 'October 2026';
CREATE TABLE events_rest PARTITION OF events DEFAULT;
"""


def test_partitions_that_came_and_went_since_are_left_alone(apply: Apply) -> None:
    apply(PARTITIONED)
    run("CREATE TABLE shop.november (LIKE shop.events INCLUDING CONSTRAINTS)")
    run(
        "ALTER TABLE shop.events ATTACH PARTITION shop.november"
        " FOR VALUES FROM ('2026-11-01') TO ('2026-12-01')"
    )
    run("ALTER TABLE shop.events DETACH PARTITION shop.october")
    run("DROP TABLE shop.october")
    assert apply(PARTITIONED) == []
    changed = PARTITIONED.replace("event_id bigint NOT NULL,", "event_id bigint, note text,")
    assert apply(changed) == ["create column events.note"]
    tables = {key.table for key in live() if key.kind == "table"}
    assert tables == {"events", "events_rest", "november"}
    assert Key("column", "november", "note") not in live()  # it is the parent's
    run("INSERT INTO shop.events VALUES (1, '2026-11-05', 'x')")
    assert run("SELECT note FROM shop.november") == [("x",)]
