"""Checks, exclusion and deferred constraints, triggers: every fault of a row at its index."""

from typing import Any

import pytest
from django.test import Client

from tests.api.sending import codes, counts, execute, first_indexes, send, stored
from tests.api.tables import make_trigger

pytestmark = pytest.mark.usefixtures("made_things")


Codes = dict[int, list[tuple[str, str | None]]]


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
    execute("""
        CREATE TABLE hiring.made_2020 PARTITION OF hiring.made
        FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
        CREATE TABLE hiring.made_2021 PARTITION OF hiring.made
        FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
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
