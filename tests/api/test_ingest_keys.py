"""Unique and foreign keys: every row that breaks one is rejected, the others are stored."""

from hashlib import sha256
from typing import Any

import pytest
from django.test import Client

from tests.api.sending import codes, counts, execute, first_indexes, send, stored
from tests.api.tables import make_trigger

pytestmark = pytest.mark.usefixtures("made_things")


Codes = dict[int, list[tuple[str, str | None]]]


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


def test_a_refused_row_takes_no_key(client: Client) -> None:
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
