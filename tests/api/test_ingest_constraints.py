"""Every violated constraint of every row is reported, at its index; the other rows are stored."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest
from django.test import Client

from tests.api.sending import codes, counts, execute, send, stored

pytestmark = pytest.mark.usefixtures("database")

Codes = dict[int, list[tuple[str, str | None]]]


@pytest.fixture(autouse=True)
def made_things(database: None) -> Iterator[None]:
    """Drop what a test makes beside tables."""
    before = set(stored(_OTHERS))
    yield
    for kind, name in set(stored(_OTHERS)) - before:
        execute(f"DROP {kind} IF EXISTS {name} CASCADE")


_OTHERS = """
    SELECT 'FUNCTION', p.oid::regprocedure::text FROM pg_proc p
    WHERE pronamespace = 'hiring'::regnamespace
    UNION ALL
    SELECT CASE typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END, t.oid::regtype::text FROM pg_type t
    WHERE typnamespace = 'hiring'::regnamespace AND typtype IN ('d', 'e')
"""


def first_indexes(answer: Any) -> dict[int, list[int]]:
    """Return, by rejected row, the earlier rows that its errors name."""
    return {
        one["index"]: [e["first_index"] for e in one["errors"] if "first_index" in e]
        for one in answer.json()["rejections"]
    }


# Unique keys.


def test_a_rejected_row_takes_no_key(client: Client) -> None:
    execute("""
        CREATE TABLE hiring.made (
            id int PRIMARY KEY, code text UNIQUE, n int CHECK (n > 0), UNIQUE (n, code))
    """)
    execute("INSERT INTO hiring.made VALUES (1, 'a', 1)")
    rows = [
        {"id": 1, "code": "b"},  # the table's key: takes neither 1 nor b
        {"id": 2, "code": "b"},
        {"id": 2, "code": "c"},  # takes no c
        {"id": 3, "code": "c"},
        {"id": 4, "code": "c", "n": -1},
        {"id": 4, "code": "a"},
        {"id": 4, "code": "d"},
        {"id": "x", "code": "e"},  # takes no e
        {"id": 5, "code": "e"},
        {"id": 5, "code": "e"},
    ]
    answer = send(client, "made", rows)
    assert counts(answer) == (10, 4, 0, 0, 6)
    assert codes(answer.json()) == {
        0: [("duplicate_key", None)],
        2: [("duplicate_in_batch", None)],
        4: [("check_violation", "n"), ("duplicate_in_batch", None)],
        5: [("duplicate_key", None)],
        7: [("not_integer", "id")],
        9: [("duplicate_in_batch", None), ("duplicate_in_batch", None)],
    }
    assert first_indexes(answer) == {0: [], 2: [1], 4: [3], 5: [], 7: [], 9: [8, 8]}
    assert stored("SELECT id, code FROM hiring.made ORDER BY id") == [
        (1, "a"),
        (2, "b"),
        (3, "c"),
        (4, "d"),
        (5, "e"),
    ]


def test_a_bad_row_is_still_compared_by_the_keys_that_can_be_read(client: Client) -> None:
    execute("CREATE TABLE hiring.made (id int PRIMARY KEY, code text UNIQUE, n int)")
    rows = [{"id": 1, "code": "a"}, {"id": 1, "code": "a", "n": "x"}, {"id": "y", "code": "a"}]
    answer = send(client, "made", rows)
    assert codes(answer.json()) == {
        1: [("duplicate_in_batch", None), ("duplicate_in_batch", None), ("not_integer", "n")],
        2: [("duplicate_in_batch", None), ("not_integer", "id")],
    }


def test_keys_that_are_equal_but_read_differently(client: Client) -> None:
    execute("CREATE TABLE hiring.made (n numeric UNIQUE, t timestamptz UNIQUE, j jsonb UNIQUE)")
    execute("""INSERT INTO hiring.made VALUES (1.0, '2021-01-01T00:00:00Z', '{"a": 1, "b": 2}')""")
    rows = [
        {"n": "1.00"},
        {"t": "2021-01-01T01:00:00+01:00"},
        {"j": {"b": 2, "a": 1.0}},
        {"n": 2},
        {"n": "2.000"},
    ]
    answer = send(client, "made", rows)
    assert codes(answer.json()) == {
        0: [("duplicate_key", None)],
        1: [("duplicate_key", None)],
        2: [("duplicate_key", None)],
        4: [("duplicate_in_batch", None)],
    }


def test_keys_of_indexes_that_are_partial_or_compute(client: Client) -> None:
    execute("CREATE TABLE hiring.made (id int PRIMARY KEY, email text, gone date, n int)")
    execute("CREATE UNIQUE INDEX ON hiring.made (lower(email)) WHERE gone IS NULL")
    execute("CREATE UNIQUE INDEX ON hiring.made ((n % 10), id)")
    execute("INSERT INTO hiring.made VALUES (1, 'Ann@x')")
    rows = [
        {"id": 2, "email": "ANN@x"},
        {"id": 3, "email": "ann@X", "gone": "2020-01-01"},
        {"id": 4, "email": "bob@x"},
        {"id": 5, "email": "BOB@x"},
        {"id": 6, "email": "bob@x", "gone": "x"},  # whether it counts is not known
    ]
    answer = send(client, "made", rows)
    assert codes(answer.json()) == {
        0: [("duplicate_key", None)],
        3: [("duplicate_in_batch", None)],
        4: [("bad_date", "gone")],
    }
    assert first_indexes(answer)[3] == [2]


def test_an_index_row_that_is_too_large_is_a_bad_value(client: Client) -> None:
    execute("CREATE TABLE hiring.made (id int PRIMARY KEY, code text UNIQUE)")
    # A text that does not compress: a btree takes 2704 bytes of it.
    text = "".join(sha256(bytes([i])).hexdigest() for i in range(200))
    answer = send(client, "made", [{"id": 1}, {"id": 2, "code": text}, {"id": 3, "code": "x"}])
    assert codes(answer.json()) == {1: [("bad_value", None)]}
    assert stored("SELECT id FROM hiring.made ORDER BY id") == [(1,), (3,)]


def test_columns_with_a_collation_of_their_own(client: Client) -> None:
    execute("""
        CREATE TABLE hiring.made (id int PRIMARY KEY, s text COLLATE "C" UNIQUE CHECK (s < 'x'),
            b text COLLATE "C" REFERENCES hiring.made (s))
    """)
    rows = [{"id": 1, "s": "a"}, {"id": 2, "s": "a"}, {"id": 3, "s": "z"}, {"id": 4, "b": "q"}]
    answer = send(client, "made", [*rows, {"id": 5, "b": "a"}])
    assert codes(answer.json()) == {
        1: [("duplicate_in_batch", None)],
        2: [("check_violation", "s")],
        3: [("fk_violation", "b")],
    }


def test_rows_of_inheriting_tables_have_keys_of_their_own(client: Client) -> None:
    execute("CREATE TABLE hiring.made (id int PRIMARY KEY)")
    execute("CREATE TABLE hiring.heir () INHERITS (hiring.made)")
    execute("INSERT INTO hiring.heir VALUES (1)")
    answer = send(client, "made", [{"id": 1}, {"id": 1}])
    assert codes(answer.json()) == {1: [("duplicate_in_batch", None)]}


# Foreign keys.


def test_foreign_keys_simple_and_composite(client: Client) -> None:
    execute("CREATE TABLE hiring.par (a int, b int, c int UNIQUE, PRIMARY KEY (a, b))")
    execute("INSERT INTO hiring.par VALUES (1, 1, 7), (2, 2, 8)")
    execute("""
        CREATE TABLE hiring.made (
            id int PRIMARY KEY, x int, y int, z int REFERENCES hiring.par (c),
            FOREIGN KEY (x, y) REFERENCES hiring.par,
            CONSTRAINT whole FOREIGN KEY (z, y) REFERENCES hiring.par (a, b) MATCH FULL)
    """)
    rows = [
        {"id": 1, "x": 1, "y": None},
        {"id": 2, "x": 1, "z": None},
        {"id": 3, "x": 1, "y": 2},  # MATCH FULL: z is missing
        {"id": 4, "x": 9, "y": 9, "z": 9},
        {"id": 5, "z": 7},  # MATCH FULL: y is missing
        {"id": 6},
    ]
    answer = send(client, "made", rows)
    assert codes(answer.json()) == {
        2: [("fk_violation", None), ("fk_violation", None)],
        3: [("fk_violation", None), ("fk_violation", None), ("fk_violation", "z")],
        4: [("fk_violation", None)],
    }
    assert stored("SELECT id FROM hiring.made ORDER BY id") == [(1,), (2,), (6,)]


SELF = "CREATE TABLE hiring.made (id int PRIMARY KEY, boss int REFERENCES hiring.made{})"


@pytest.mark.parametrize("rest", ["", ", note text DEFAULT 'none'"])
def test_a_row_may_refer_to_a_later_one(client: Client, rest: str) -> None:
    execute(SELF.format(rest))
    rows = [{"id": 1, "boss": 2}, {"id": 2, "boss": 3}, {"id": 3, "boss": 3}, {"id": 4, "boss": 5}]
    if rest:
        rows[1]["note"] = rows[2]["note"] = "given"  # type: ignore[assignment]
    rows += [{"id": 5, "boss": 4}]
    assert counts(send(client, "made", rows)) == (5, 5, 0, 0, 0)


@pytest.mark.parametrize("rest", ["", ", note text DEFAULT 'none'"])
def test_rows_fall_with_the_row_they_refer_to(client: Client, rest: str) -> None:
    execute(SELF.format(rest))
    execute("INSERT INTO hiring.made VALUES (100)")
    rows: list[dict[str, Any]] = [
        {"id": 1, "boss": 2},
        {"id": 2, "boss": 3},
        {"id": 3, "boss": 99},  # the root of the chain above
        {"id": 4, "boss": 100},
        {"id": 5, "boss": 6},
        {"id": 6, "boss": "x"},  # bad in itself
        {"id": 7, "boss": 8},
        {"id": 8, "boss": 7},  # a circle
        {"id": 9, "boss": 4},
    ]
    if rest:
        rows[1]["note"] = rows[7]["note"] = "given"
    answer = send(client, "made", rows)
    fallen: Codes = {i: [("fk_violation", "boss")] for i in (0, 1, 2, 4)}
    assert codes(answer.json()) == fallen | {5: [("not_integer", "boss")]}
    assert stored("SELECT id FROM hiring.made WHERE id < 100 ORDER BY id") == [
        (4,),
        (7,),
        (8,),
        (9,),
    ]


def test_a_fallen_row_takes_no_key(client: Client) -> None:
    execute(SELF.format(", code int UNIQUE"))
    rows = [{"id": 1, "boss": 2, "code": 5}, {"id": 2, "boss": 99}, {"id": 3, "code": 5}]
    answer = send(client, "made", rows)
    assert codes(answer.json()) == {0: [("fk_violation", "boss")], 1: [("fk_violation", "boss")]}
    assert stored("SELECT id, code FROM hiring.made") == [(3, 5)]


def test_a_circle_is_stored_beside_a_row_that_a_trigger_refuses(client: Client) -> None:
    execute(SELF.format(", n int"))
    make_trigger("made", "IF new.n < 0 THEN RAISE 'too small'; END IF; RETURN new;")
    rows = [{"id": 1, "boss": 4}, {"id": 2, "n": -1}, {"id": 3, "n": -2}, {"id": 4, "boss": 1}]
    answer = send(client, "made", rows)
    assert codes(answer.json()) == {
        1: [("trigger_rejected", None)],
        2: [("trigger_rejected", None)],
    }
    assert stored("SELECT id FROM hiring.made ORDER BY id") == [(1,), (4,)]


def test_foreign_keys_follow_a_renamed_table(client: Client) -> None:
    execute("CREATE TABLE hiring.par (id int PRIMARY KEY)")
    execute("CREATE TABLE hiring.made (id int PRIMARY KEY, p int REFERENCES hiring.par)")
    assert send(client, "made", [{"id": 1, "p": 1}]).status_code == 422
    execute("ALTER TABLE hiring.par RENAME TO father")
    execute("ALTER TABLE hiring.father RENAME COLUMN id TO number")
    answer = send(client, "made", [{"id": 1, "p": 1}, {"id": 1}])
    assert codes(answer.json()) == {0: [("fk_violation", "p")]}
    assert "hiring.father" in answer.json()["rejections"][0]["errors"][0]["message"]


# Checks and domains.


def test_checks_hold_as_postgresql_holds_them(client: Client) -> None:
    execute("""
        CREATE TABLE hiring.made (
            id int PRIMARY KEY, n int, s text, d date, j jsonb,
            CONSTRAINT "50%: small?" CHECK (n % 7 < 5 AND n::text <> ':n'),
            CONSTRAINT "it's" CHECK (s !~ '^%''"\\$1 {} \\\\' AND s NOT LIKE '%bad%'),
            CHECK (d > '1990-01-01'::date OR s IS NOT NULL),
            CHECK ((j ->> 'a') IS DISTINCT FROM 'x'))
    """)
    rows = [
        {"id": 1, "n": None, "s": None, "d": None},  # d > … OR false is null, which holds
        {"id": 2, "n": 13, "s": "a bad %s"},
        {"id": 3, "d": "1980-01-01"},
        {"id": 4, "j": {"a": "x"}, "n": 6, "d": "1980-01-01"},
        {"id": 5, "s": "100% {0} $1 :n ?", "j": {"a": "y"}},
    ]
    answer = send(client, "made", rows)
    assert codes(answer.json()) == {
        1: [("check_violation", "n"), ("check_violation", "s")],
        2: [("check_violation", None)],
        3: [("check_violation", None), ("check_violation", "j"), ("check_violation", "n")],
    }
    names = [e["constraint"] for e in answer.json()["rejections"][0]["errors"]]
    assert sorted(names) == ["50%: small?", "it's"]


def test_a_check_that_raises_is_the_fault_of_its_row_alone(client: Client) -> None:
    execute("""
        CREATE TABLE hiring.made (
            id int PRIMARY KEY, a int, b int, CHECK (a / b > 1), CHECK (a < 1000))
    """)
    rows = [
        {"id": 1, "a": 1, "b": 0},
        {"id": 2, "a": 1, "b": 1},
        {"id": 3, "a": 9000, "b": 9000},
        {"id": 4, "a": 4, "b": 2},
        {"id": 4, "a": 4, "b": 2},
        {"id": "x", "a": 4, "b": 0},
    ]
    answer = send(client, "made", rows)
    assert codes(answer.json()) == {
        0: [("bad_value", None)],
        1: [("check_violation", None)],
        2: [("check_violation", None), ("check_violation", "a")],
        4: [("duplicate_in_batch", None)],
        5: [("not_integer", "id")],
    }
    assert stored("SELECT id FROM hiring.made") == [(4,)]


def test_checks_with_functions_and_of_the_whole_row(client: Client) -> None:
    execute("""
        CREATE FUNCTION hiring.is_even(n int) RETURNS boolean IMMUTABLE LANGUAGE sql
        AS 'SELECT n % 2 = 0'
    """)
    execute("""
        CREATE TABLE hiring.made (id int PRIMARY KEY, n int CHECK (hiring.is_even(n)),
            CHECK (made.* IS NOT NULL), CHECK (tableoid > 0))
    """)
    answer = send(client, "made", [{"id": 1, "n": 3}, {"id": 2, "n": 4}, {"id": 3}])
    assert {i: [code for code, _ in errors] for i, errors in codes(answer.json()).items()} == {
        0: ["check_violation"],
        2: ["check_violation"],
    }
    assert stored("SELECT id FROM hiring.made") == [(2,)]


def test_domains_below_domains(client: Client) -> None:
    execute("CREATE DOMAIN hiring.price AS numeric(8,2) CHECK (VALUE > 0)")
    execute("CREATE DOMAIN hiring.small_price AS hiring.price NOT NULL CHECK (VALUE < 10)")
    execute("CREATE DOMAIN hiring.named AS text DEFAULT 'nobody' CHECK (VALUE <> 'nobody' OR true)")
    execute("""
        CREATE TABLE hiring.made (
            id int PRIMARY KEY, "value" hiring.small_price, other hiring.price, n hiring.named)
    """)
    rows = [
        {"id": 1, "value": 5, "other": None},
        {"id": 2, "value": 50, "other": -1},
        {"id": 3, "value": -5},
        {"id": 4},
        {"id": 5, "value": None},
        {"id": 6, "value": 1.555},
    ]
    answer = send(client, "made", rows)
    assert codes(answer.json()) == {
        1: [("check_violation", "other"), ("check_violation", "value")],
        2: [("check_violation", "value")],
        3: [("required_missing", "value")],
        4: [("null_not_allowed", "value")],
        5: [("scale_exceeded", "value")],
    }
    assert stored("SELECT id, n FROM hiring.made") == [(1, "nobody")]
    execute("ALTER DOMAIN hiring.price ADD CHECK (VALUE <> 7)")
    answer = send(client, "made", [{"id": 7, "value": 7}])
    assert codes(answer.json()) == {0: [("check_violation", "value")]}


def test_enums_below_domains_and_in_arrays_take_new_labels(client: Client) -> None:
    execute("CREATE TYPE hiring.mood AS ENUM ('sad')")
    execute("CREATE DOMAIN hiring.mood_now AS hiring.mood")
    execute("CREATE TABLE hiring.made (m hiring.mood_now, ms hiring.mood[])")
    rows = [{"m": "glad"}, {"ms": ["sad", "glad"]}]
    assert codes(send(client, "made", rows).json()) == {
        0: [("bad_enum", "m")],
        1: [("bad_enum", "ms")],
    }
    execute("ALTER TYPE hiring.mood ADD VALUE 'glad'")
    assert counts(send(client, "made", rows)) == (2, 2, 0, 0, 0)


# Exclusion constraints, triggers, deferred constraints, partitions.


def test_exclusion_constraints(client: Client) -> None:
    execute("""
        CREATE TABLE hiring.made (
            id int PRIMARY KEY, r int4range, EXCLUDE USING gist (r WITH &&))
    """)
    execute("INSERT INTO hiring.made VALUES (1, '[1,5)')")
    rows = [
        {"id": 2, "r": "[4,6)"},
        {"id": 3, "r": "[10,20)"},
        {"id": 4, "r": "[19,30)"},
        {"id": 5, "r": "[20,30)"},
        {"id": 5, "r": "[50,60)"},
        {"id": 6, "r": "empty"},
    ]
    answer = send(client, "made", rows)
    assert codes(answer.json()) == {
        0: [("exclusion_violation", None)],
        2: [("exclusion_violation", None)],
        4: [("duplicate_in_batch", None)],
    }
    assert answer.json()["rejections"][0]["errors"][0]["columns"] == ["r"]
    assert stored("SELECT id FROM hiring.made ORDER BY id") == [(1,), (3,), (5,), (6,)]


def make_trigger(table: str, body: str, when: str = "BEFORE INSERT") -> None:
    execute(f"""
        CREATE FUNCTION hiring.act() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$
    """)
    kind = "CONSTRAINT TRIGGER" if "AFTER" in when else "TRIGGER"
    deferred = "DEFERRABLE INITIALLY DEFERRED" if "AFTER" in when else ""
    execute(f"""
        CREATE {kind} act {when} ON hiring.{table} {deferred}
        FOR EACH ROW EXECUTE FUNCTION hiring.act()
    """)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("IF new.n < 0 THEN RAISE 'no'; END IF; RETURN new;", "trigger_rejected"),
        ("IF new.n < 0 THEN RAISE 'no' USING ERRCODE = 'U0001'; END IF; RETURN new;",
         "trigger_rejected"),
        ("IF new.n < 0 THEN RAISE 'no' USING ERRCODE = 'check_violation'; END IF; RETURN new;",
         "check_violation"),
        ("IF new.n < 0 THEN RETURN NULL; END IF; RETURN new;", "trigger_rejected"),
        ("new.n := 10 / (new.n + 1); RETURN new;", "bad_value"),
        ("IF new.n < 0 THEN new.n := NULL; END IF; RETURN new;", "null_not_allowed"),
        ("IF new.n < 0 THEN new.id := 1; END IF; RETURN new;", "duplicate_key"),
    ],
)  # fmt: skip
def test_triggers_that_refuse_a_row(client: Client, body: str, code: str) -> None:
    execute("CREATE TABLE hiring.made (id int PRIMARY KEY, n int NOT NULL)")
    make_trigger("made", body)
    rows = [{"id": i, "n": i} for i in range(1, 21)]
    rows[3]["n"] = rows[17]["n"] = -1
    answer = send(client, "made", rows)
    assert counts(answer) == (20, 18, 0, 0, 2)
    assert {i: errors[0][0] for i, errors in codes(answer.json()).items()} == {3: code, 17: code}
    assert stored("SELECT count(*) FROM hiring.made WHERE id IN (4, 18)") == [(0,)]


def test_triggers_that_change_a_row_or_write_elsewhere(client: Client) -> None:
    execute("CREATE TABLE hiring.made (id int PRIMARY KEY, n int)")
    execute("CREATE TABLE hiring.made_log (id int)")
    make_trigger("made", "INSERT INTO hiring.made_log VALUES (new.id); new.n := 5; RETURN new;")
    execute("GRANT INSERT ON hiring.made_log TO PUBLIC")
    answer = send(client, "made", [{"id": 1}, {"id": 2}, {"id": 2}])
    assert counts(answer) == (3, 2, 0, 0, 1)
    assert stored("SELECT * FROM hiring.made ORDER BY id") == [(1, 5), (2, 5)]
    assert stored("SELECT * FROM hiring.made_log ORDER BY id") == [(1,), (2,)]


def test_deferred_foreign_keys_and_constraint_triggers(client: Client) -> None:
    execute("CREATE TABLE hiring.par (id int PRIMARY KEY)")
    execute("""
        CREATE TABLE hiring.made (
            id int PRIMARY KEY, n int,
            p int REFERENCES hiring.par DEFERRABLE INITIALLY DEFERRED)
    """)
    make_trigger("made", "IF new.n < 0 THEN RAISE 'late'; END IF; RETURN NULL;", "AFTER INSERT")
    rows = [{"id": 1, "n": 1}, {"id": 2, "n": -1}, {"id": 3, "p": 3}, {"id": 4}]
    answer = send(client, "made", rows)
    assert codes(answer.json()) == {
        1: [("trigger_rejected", None)],
        2: [("fk_violation", "p")],
    }
    assert stored("SELECT id FROM hiring.made ORDER BY id") == [(1,), (4,)]


def test_partitioned_tables(client: Client) -> None:
    execute("CREATE TABLE hiring.par (id int PRIMARY KEY)")
    execute("INSERT INTO hiring.par VALUES (1)")
    execute("""
        CREATE TABLE hiring.made (
            day date, id int, p int REFERENCES hiring.par, n int CHECK (n > 0),
            PRIMARY KEY (day, id)) PARTITION BY RANGE (day)
    """)
    for year in (2020, 2021):
        execute(f"""
            CREATE TABLE hiring.made_{year} PARTITION OF hiring.made
            FOR VALUES FROM ('{year}-01-01') TO ('{year + 1}-01-01')
        """)
    execute("ALTER TABLE hiring.made_2021 ADD CHECK (n < 100)")
    execute("INSERT INTO hiring.made VALUES ('2020-01-01', 1)")
    rows = [
        {"day": "2020-01-01", "id": 1, "p": 9, "n": -1},
        {"day": "2020-02-01", "id": 1, "p": 1},
        {"day": "2021-02-01", "id": 1, "n": 500},
        {"day": "2021-02-01", "id": 1, "n": 5},
        {"day": "2021-02-01", "id": 1, "n": 6},
        {"day": "2035-01-01", "id": 1},
    ]
    answer = send(client, "made", rows)
    assert codes(answer.json()) == {
        0: [("check_violation", "n"), ("duplicate_key", None), ("fk_violation", "p")],
        2: [("check_violation", None)],  # of the partition alone
        4: [("duplicate_in_batch", None)],  # of row 3, for row 2 takes no key
        5: [("check_violation", None)],
    }
    assert first_indexes(answer)[4] == [3]
    assert send(client, "made_2020", rows).status_code == 404


# Generated, identity, serial and default columns.


def test_generated_columns_under_keys_and_checks(client: Client) -> None:
    execute("""
        CREATE TABLE hiring.made (
            id int PRIMARY KEY, a int, b int DEFAULT 2,
            total int GENERATED ALWAYS AS (a * b) STORED CHECK (total < 100),
            UNIQUE (total))
    """)
    rows = [
        {"id": 1, "a": 5},
        {"id": 2, "a": 10, "b": 1},
        {"id": 3, "a": 60},
        {"id": 4, "a": "x"},
        {"id": 5, "total": 5},
        {"id": 6, "a": None},
    ]
    answer = send(client, "made", rows)
    assert codes(answer.json()) == {
        1: [("duplicate_in_batch", None)],
        2: [("check_violation", "total")],
        3: [("not_integer", "a")],
        4: [("column_read_only", "total")],
    }
    assert stored("SELECT id, total FROM hiring.made ORDER BY id") == [(1, 10), (6, None)]


def test_identity_and_serial_columns(client: Client) -> None:
    execute("""
        CREATE TABLE hiring.made (
            a int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, b int GENERATED BY DEFAULT AS IDENTITY,
            c serial UNIQUE, n int NOT NULL)
    """)
    rows = [{"n": 1}, {"a": 5, "n": 1}, {"b": 7, "c": 70, "n": 1}, {"n": None}, {"c": 70, "n": 1}]
    answer = send(client, "made", rows)
    assert codes(answer.json()) == {
        1: [("column_read_only", "a")],
        3: [("null_not_allowed", "n")],
        4: [("duplicate_in_batch", None)],
    }
    assert stored("SELECT b = 7, c = 70 FROM hiring.made ORDER BY c") == [
        (False, False),
        (True, True),
    ]


def test_rows_that_leave_everything_to_the_defaults(client: Client) -> None:
    execute("CREATE TABLE hiring.made (id serial PRIMARY KEY, s text NOT NULL DEFAULT 'x')")
    answer = send(client, "made", "[{}, {}, {}]")
    assert counts(answer) == (3, 3, 0, 0, 0)
    assert stored("SELECT DISTINCT s FROM hiring.made") == [("x",)]
    execute("CREATE TABLE hiring.bare (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY)")
    answer = send(client, "bare", '[{}, {"id": 1}, {}, {"x": 1}]')
    assert codes(answer.json()) == {1: [("column_read_only", "id")], 3: [("unknown_column", "x")]}
    assert stored("SELECT count(*) FROM hiring.bare") == [(2,)]


def test_columns_left_out_are_judged_by_their_defaults(client: Client) -> None:
    execute("""
        CREATE TABLE hiring.made (
            id int PRIMARY KEY,
            s varchar(9) NOT NULL DEFAULT 'new', since timestamptz DEFAULT now(),
            token uuid DEFAULT gen_random_uuid(), n numeric(4,1) DEFAULT 1.5,
            tags text[] DEFAULT '{}', doc jsonb DEFAULT '{"a": 1}',
            CHECK (s IS NOT NULL AND since IS NOT NULL AND n IS NOT NULL AND tags IS NOT NULL),
            CHECK (token IS NOT NULL), CHECK (doc ? 'a'), UNIQUE NULLS NOT DISTINCT (token))
    """)
    rows: list[dict[str, Any]] = [
        {"id": 1},
        {"id": 2},
        {"id": 2},
        {"id": 3, "token": None},
        {"id": 4, "since": None},
        {"id": 5, "doc": {}},
    ]
    answer = send(client, "made", rows)
    assert codes(answer.json()) == {
        2: [("duplicate_in_batch", None)],
        3: [("check_violation", "token")],
        4: [("check_violation", None)],
        5: [("check_violation", "doc")],
    }
    assert stored("SELECT s, n::text, tags, token IS NULL FROM hiring.made") == [
        ("new", "1.5", [], False),
        ("new", "1.5", [], False),
    ]


def test_a_default_that_breaks_a_rule_rejects_the_row_that_takes_it(client: Client) -> None:
    execute("CREATE TABLE hiring.par (id int PRIMARY KEY)")
    execute("INSERT INTO hiring.par VALUES (1)")
    execute("""
        CREATE TABLE hiring.made (
            id int PRIMARY KEY, p int DEFAULT 9 REFERENCES hiring.par,
            n int DEFAULT (random() - 5)::int CHECK (n > 0))
    """)
    answer = send(client, "made", [{"id": 1, "p": 1, "n": 1}, {"id": 2, "n": 1}, {"id": 3, "p": 1}])
    assert {i: errors[0][0] for i, errors in codes(answer.json()).items()} == {
        1: "fk_violation",
        2: "check_violation",
    }


# Names and widths.

ODD_NAMES = [
    'say "hi"', "100%", "%s", "%(x)s", "a.b", "$1", "?", ":x", "it's", "back\\slash", "Mixed Case",
    "naïve ünïcode 表", "value", "key 0", "rowhouse place", "rowhouse row", "rowhouse batch",
    "given", "known", "referenced", "key_group", "number", "type", "select", "xmax_", "row",
    "n" * 63, "broken", "excluded", "batch", "{}", "{0}", "place", " lead", "new\nline",
]  # fmt: skip


def quote(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


@pytest.mark.parametrize("mode", ["reject", "ignore", "update"])
@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_column_names(client: Client, name: str, mode: str) -> None:
    column = quote(name)
    execute("CREATE TABLE hiring.par (id int PRIMARY KEY)")
    execute("INSERT INTO hiring.par VALUES (1), (2), (3), (4), (900)")
    execute(f"""
        CREATE TABLE hiring.made (
            id int PRIMARY KEY, {column} int UNIQUE CHECK ({column} < 100) REFERENCES hiring.par,
            "other {"x" if len(name) > 50 else name.replace('"', "")}" inet,
            twice int GENERATED ALWAYS AS ({column} * 2) STORED)
    """)
    execute("INSERT INTO hiring.made VALUES (10, 4)")
    rows = [
        {"id": 1, name: 1},
        {"id": 2, name: 1},
        {"id": 3, name: 900},
        {"id": 4, name: 50},
        {"id": 5, name: "x"},
        {"id": 6, name: 4},
        {"id": 7},
    ]
    answer = send(client, "made", rows, f"?on_conflict={mode}")
    found = {i: [code for code, _ in errors] for i, errors in codes(answer.json()).items()}
    if name == "rowhouse place":  # its rules can only be tried
        assert found[1] == ["duplicate_key"]
        found[1] = ["duplicate_in_batch"]
    assert found == {
        1: ["duplicate_in_batch"],
        2: ["check_violation"],
        3: ["fk_violation"],
        4: ["not_integer"],
        5: ["duplicate_key"],
    }
    assert stored("SELECT id FROM hiring.made ORDER BY id") == [(1,), (7,), (10,)]


@pytest.mark.parametrize("name", ["Mixed Case", "100% sure", 'say "x"', "naïve", "a.b", "select"])
def test_odd_table_names(client: Client, name: str) -> None:
    execute(f"CREATE TABLE hiring.{quote(name)} (id int PRIMARY KEY, n int CHECK (n > 0))")
    body = {"table": f"hiring.{name}", "rows": [{"id": 1}, {"id": 1}, {"id": 2, "n": 0}]}
    answer = client.post("/api/ingest", body, content_type="application/json")
    assert codes(answer.json()) == {
        1: [("duplicate_in_batch", None)],
        2: [("check_violation", "n")],
    }
    assert answer.json()["table"] == f"hiring.{name}"


def test_a_table_of_500_columns(client: Client) -> None:
    columns = ", ".join(
        f"c{i} {('int', 'text', 'numeric(6,2)', 'date', 'boolean')[i % 5]}" for i in range(499)
    )
    execute(f"CREATE TABLE hiring.made (id int PRIMARY KEY, {columns}, CHECK (c0 > 0))")
    values = [5, "text", "1.25", "2021-01-01", True]
    full = {f"c{i}": values[i % 5] for i in range(499)}
    rows: list[dict[str, Any]] = [{"id": i} | full for i in range(20)]
    rows[7]["c498"] = rows[7]["c0"] = "bad"
    rows[8]["c0"] = -1
    rows[9] = {"id": 9}
    answer = send(client, "made", rows)
    assert codes(answer.json()) == {
        7: [("bad_date", "c498"), ("not_integer", "c0")],
        8: [("check_violation", "c0")],
    }
    assert stored("SELECT count(*), count(c498) FROM hiring.made") == [(18, 17)]


def test_a_table_of_one_column(client: Client) -> None:
    execute("CREATE TABLE hiring.made (s text UNIQUE)")
    answer = send(client, "made", [{"s": "a"}, {"s": "a"}, {"s": None}, {}, {"s": ""}, {"s": 1}])
    assert codes(answer.json()) == {
        1: [("duplicate_in_batch", None)],
        5: [("type_mismatch", "s")],
    }
    assert stored("SELECT count(*) FROM hiring.made") == [(4,)]


def test_a_table_without_columns_to_write(client: Client) -> None:
    execute("CREATE TABLE hiring.made ()")
    assert counts(send(client, "made", '[{}, {"a": 1}]')) == (2, 1, 0, 0, 1)


# Many rows at once.


def test_a_thousand_rows_with_every_kind_of_fault(client: Client) -> None:
    execute("CREATE TABLE hiring.par (id int PRIMARY KEY)")
    execute("INSERT INTO hiring.par SELECT generate_series(0, 9)")
    execute("""
        CREATE TABLE hiring.made (
            id int PRIMARY KEY, code text UNIQUE, p int NOT NULL REFERENCES hiring.par,
            n int CHECK (n >= 0))
    """)
    rows: list[dict[str, Any]] = [
        {"id": i, "code": f"c{i}", "p": i % 10, "n": i} for i in range(1000)
    ]
    expected: Codes = {}
    for i in range(5, 1000, 5):
        fault = i // 5 % 5
        if fault == 0:
            rows[i]["p"], rows[i]["n"] = 10, -1
            expected[i] = [("check_violation", "n"), ("fk_violation", "p")]
        elif fault == 1:
            rows[i]["id"] = 1
            expected[i] = [("duplicate_in_batch", None)]
        elif fault == 2:
            rows[i]["code"], rows[i]["n"] = "c2", -1
            expected[i] = [("check_violation", "n"), ("duplicate_in_batch", None)]
        elif fault == 3:
            rows[i]["p"] = None
            rows[i]["n"] = "x"
            expected[i] = [("not_integer", "n"), ("null_not_allowed", "p")]
        else:
            del rows[i]["p"]
            rows[i]["n"] = -5
            expected[i] = [("check_violation", "n"), ("required_missing", "p")]
    answer = send(client, "made", rows)
    assert codes(answer.json()) == expected
    assert counts(answer) == (1000, 801, 0, 0, 199)
    kept = [(i,) for i in range(1000) if i not in expected]
    assert stored("SELECT id FROM hiring.made ORDER BY id") == kept
    indexes = stored('SELECT "index" FROM service.rejection ORDER BY 1')
    assert [index for (index,) in indexes] == list(expected)
