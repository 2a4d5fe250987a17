"""Rules that are asked once for each different value say of each row what asking every row says."""

import json
from typing import Any

import pytest
from django.test import Client
from psycopg.sql import SQL

from tests.api.sending import codes, counts, execute, first_indexes, send, stored

pytestmark = pytest.mark.usefixtures("database")

ONE = "00000000-0000-0000-0000-00000000000a"


@pytest.fixture
def order(client: Client) -> Client:
    """Make hiring.made, which refers to three tables and to pairs of one of them."""
    execute("""
        CREATE TABLE hiring.place (id integer PRIMARY KEY, floor integer, UNIQUE (id, floor));
        CREATE TABLE hiring.word (word text PRIMARY KEY);
        CREATE TABLE hiring.token (token uuid PRIMARY KEY);
        CREATE TABLE hiring.made (
            id integer PRIMARY KEY,
            place integer CONSTRAINT b_place REFERENCES hiring.place,
            floor integer,
            word text CONSTRAINT a_word REFERENCES hiring.word,
            token uuid CONSTRAINT c_token REFERENCES hiring.token,
            code varchar(20) UNIQUE,
            CONSTRAINT d_pair FOREIGN KEY (place, floor) REFERENCES hiring.place (id, floor));
        INSERT INTO hiring.place VALUES (0, 0), (7, 1), (8, 2);
        INSERT INTO hiring.word VALUES ('7'), ('a "b" \\ c'), (E'two\\nlines'), ('NULL'), ('{x,y}');
    """)
    execute(SQL("INSERT INTO hiring.token VALUES ({})").format(ONE))
    return client


MODES = ["", "?on_conflict=ignore", "?on_conflict=update"]

# Every row with what it breaks.
ROWS: list[tuple[dict[str, Any], list[tuple[str, str | None]]]] = [
    ({"id": 1, "place": 7, "floor": 1}, []),
    ({"id": 2, "place": "7", "word": "7"}, []),
    ({"id": 3, "place": "9", "word": "9"}, [("fk_violation", "place"), ("fk_violation", "word")]),
    ({"id": "4", "place": 9}, [("fk_violation", "place")]),
    ({"id": 5, "place": None, "word": None, "token": None}, []),
    ({"id": 6}, []),
    ({"id": 7, "word": 'a "b" \\ c', "code": "two\nlines"}, []),
    ({"id": 8, "word": "two\nlines"}, []),
    ({"id": 9, "word": "a b c"}, [("fk_violation", "word")]),
    ({"id": 10, "word": "NULL"}, []),
    ({"id": 11, "word": "{x,y}"}, []),
    ({"id": 12, "word": "null"}, [("fk_violation", "word")]),
    ({"id": 13, "word": ""}, [("fk_violation", "word")]),
    ({"id": 14, "token": ONE.upper()}, []),
    ({"id": 15, "token": ONE}, []),
    ({"id": 16, "token": ONE.replace("a", "b")}, [("fk_violation", "token")]),
    ({"id": 17, "place": 7, "floor": 2}, [("fk_violation", None)]),
    ({"id": 18, "place": 9, "floor": 2}, [("fk_violation", None), ("fk_violation", "place")]),
    ({"id": "-0", "place": "-0", "floor": 0}, []),
    ({"id": "x", "place": 9, "word": "7"}, [("fk_violation", "place"), ("not_integer", "id")]),
    ({"id": 20, "place": "x", "floor": 5, "word": "9"}, [
        ("fk_violation", "word"), ("not_integer", "place"),
    ]),
]  # fmt: skip


@pytest.mark.parametrize("query", MODES)
def test_what_rows_refer_to_is_found_however_it_is_written(order: Client, query: str) -> None:
    answer = send(order, "made", [row for row, _ in ROWS], query)
    assert codes(answer.json()) == {place: bad for place, (_, bad) in enumerate(ROWS) if bad}
    good = sorted(int(row["id"]) for row, bad in ROWS if not bad)
    assert stored("SELECT id FROM hiring.made ORDER BY id") == [(number,) for number in good]


def test_the_errors_of_a_row_keep_the_order_of_the_rules(order: Client) -> None:
    rows = [{"id": 1}, {"id": 1, "place": 9, "floor": 2, "word": "9", "token": ONE[:-1] + "0"}]
    (rejection,) = send(order, "made", rows).json()["rejections"]
    named = [error["constraint"] for error in rejection["errors"]]
    assert named == ["a_word", "b_place", "c_token", "d_pair", "made_pkey"]


@pytest.mark.parametrize("query", MODES)
def test_csv_refers_to_the_same_values(order: Client, query: str) -> None:
    body = "id,place,word\n1,7,7\n-0,9,\n3,,9\n4,x,9\n5,0,7\n5,7,\n"
    answer = send(order, "made", body, query, content_type="text/csv")
    repeated = {} if query else {5: [("duplicate_in_batch", None)]}
    assert codes(answer.json()) == repeated | {
        1: [("fk_violation", "place")],
        2: [("fk_violation", "word")],
        3: [("fk_violation", "word"), ("not_integer", "place")],
    }


@pytest.mark.parametrize("query", MODES)
def test_integers_are_the_same_key_however_they_are_written(order: Client, query: str) -> None:
    rows = [
        {"id": 7},
        {"id": "7"},
        {"id": 0, "place": 9},  # takes no key
        {"id": "-0"},
        {"id": "0"},
        {"id": 8, "place": "x"},
        {"id": "8"},
        {"id": 8},
    ]
    answer = send(order, "made", rows, query)
    repeated = {} if query else {1: [0], 4: [3], 7: [6]}
    assert first_indexes(answer) == repeated | {2: [], 5: []}
    assert counts(answer)[1] == 3
    assert stored("SELECT id FROM hiring.made ORDER BY id") == [(0,), (7,), (8,)]


@pytest.mark.parametrize(
    ("query", "expected", "bad"),
    [
        ("", (6, 1, 0, 0, 5), {0: "id", 1: "id", 2: "code", 3: "code", 5: "place"}),
        (
            "?on_conflict=ignore&conflict_key=id",
            (6, 1, 0, 2, 3),
            {2: "code", 3: "code", 5: "place"},
        ),
        ("?on_conflict=ignore", (6, 1, 0, 4, 1), {5: "place"}),
        # The second row frees the code that the fourth one takes.
        ("?on_conflict=update", (6, 2, 1, 1, 2), {2: "code", 5: "place"}),
    ],
)
def test_keys_that_the_table_has_are_found(
    order: Client, query: str, expected: tuple[int, ...], bad: dict[int, str]
) -> None:
    execute("INSERT INTO hiring.made (id, code) VALUES (1, 'a'), (2, 'b \"\\')")
    rows = [
        {"id": "1"},
        {"id": 2, "code": "c"},
        {"id": 3, "code": "a"},
        {"id": 4, "code": 'b "\\'},
        {"id": 5, "code": 'b "'},
        {"id": 6, "place": "x"},
    ]
    answer = send(order, "made", rows, query)
    assert counts(answer) == expected
    named = {
        one["index"]: (one["errors"][0].get("column") or one["errors"][0]["columns"][0])
        for one in answer.json()["rejections"]
    }
    assert named == bad


def test_the_keys_of_a_partitioned_table_are_looked_for_in_all_partitions(client: Client) -> None:
    execute("""
        CREATE TABLE hiring.made (id integer PRIMARY KEY) PARTITION BY RANGE (id);
        CREATE TABLE hiring.made_low PARTITION OF hiring.made FOR VALUES FROM (0) TO (100);
        CREATE TABLE hiring.made_high PARTITION OF hiring.made FOR VALUES FROM (100) TO (200);
        INSERT INTO hiring.made VALUES (1), (101);
    """)
    rows = [{"id": 1}, {"id": "101"}, {"id": 2}, {"id": 102}, {"id": 102}]
    assert codes(send(client, "made", rows).json()) == {
        0: [("duplicate_key", None)],
        1: [("duplicate_key", None)],
        4: [("duplicate_in_batch", None)],
    }


def test_the_rows_of_an_inheriting_table_have_keys_of_their_own(client: Client) -> None:
    execute("""
        CREATE TABLE hiring.place (id integer PRIMARY KEY);
        CREATE TABLE hiring.yard () INHERITS (hiring.place);
        CREATE TABLE hiring.made (id integer PRIMARY KEY, place integer REFERENCES hiring.place);
        CREATE TABLE hiring.heir () INHERITS (hiring.made);
        INSERT INTO hiring.yard VALUES (1);
        INSERT INTO hiring.heir VALUES (1);
    """)
    answer = send(client, "made", [{"id": 1}, {"id": 2, "place": 1}, {"id": "x"}])
    assert codes(answer.json()) == {1: [("fk_violation", "place")], 2: [("not_integer", "id")]}


def test_nulls_that_are_equal_are_one_key(client: Client) -> None:
    execute("""
        CREATE TABLE hiring.made (id integer PRIMARY KEY, n integer UNIQUE NULLS NOT DISTINCT);
        INSERT INTO hiring.made VALUES (1, 5);
    """)
    rows = [{"id": 2}, {"id": 3, "n": None}, {"id": 4, "n": 5}, {"id": 5, "n": 6}]
    assert codes(send(client, "made", rows).json()) == {
        1: [("duplicate_in_batch", None)],
        2: [("duplicate_key", None)],
    }


def test_a_thousand_different_values_are_one_question(order: Client) -> None:
    execute("INSERT INTO hiring.place (id) SELECT generate_series(1000, 1998)")
    rows = [{"id": number, "place": 1000 + number} for number in range(1000)]
    answer = send(order, "made", json.dumps(rows))
    assert codes(answer.json()) == {999: [("fk_violation", "place")]}
