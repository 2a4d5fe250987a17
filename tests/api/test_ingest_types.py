"""Every PostgreSQL type a dataset may use: what is stored, exactly, and what is refused."""

from typing import Any

import pytest
from django.test import Client
from psycopg.sql import SQL

from tests.api.sending import codes, execute, send, stored

pytestmark = pytest.mark.usefixtures("database")

# type, then (value as JSON, what PostgreSQL holds as text).
ACCEPTED: list[tuple[str, list[tuple[str, str]]]] = [
    ("smallint", [("-32768", "-32768"), ("32767", "32767"), ('"42"', "42")]),
    ("integer", [("2147483647", "2147483647"), ("-2147483648", "-2147483648"), ("-0", "0")]),
    ("bigint", [("9223372036854775807", "9223372036854775807"), ('"-5"', "-5")]),
    (
        "real",
        [
            ("1.5", "1.5"),
            ('"-2e3"', "-2000"),
            ("3", "3"),
            ("0.1", "0.1"),
            ("16777216", "1.6777216e+07"),
            ("123456.79", "123456.79"),
        ],
    ),
    (
        "double precision",
        [
            ("0.1", "0.1"),
            ("1e300", "1e+300"),
            ('"42"', "42"),
            ("9007199254740992", "9.007199254740992e+15"),
            ("0.30000000000000004", "0.30000000000000004"),
            ('"40.70828219230217"', "40.70828219230217"),
            ("1.10", "1.1"),
        ],
    ),
    ("hiring.share", [("0.1", "0.1")]),
    ("real[]", [("[0.1, 16777216]", "{0.1,1.6777216e+07}")]),
    (
        "numeric",
        [
            ("1.10", "1.10"),
            ('"12345678901234567890.123456789"', "12345678901234567890.123456789"),
            ("1e3", "1000"),
        ],
    ),
    (
        "numeric(10,2)",
        [
            ("3.1", "3.10"),
            ('"3.10"', "3.10"),
            ("99999999.99", "99999999.99"),
            ("1.500", "1.50"),
            ("1e2", "100.00"),
        ],
    ),
    ("numeric(3,-2)", [("12300", "12300")]),
    ("boolean", [("true", "true"), ("false", "false")]),
    (
        "text",
        [
            ('"é😀"', "é😀"),
            ('"a\\u00e9\\n\\t\\\\"', "aé\n\t\\"),
            ('""', ""),
            ('"=1+1"', "=1+1"),
            ('"\\ud83d\\ude00"', "😀"),
        ],
    ),
    ("varchar(3)", [('"abc"', "abc"), ('"😀😀😀"', "😀😀😀")]),
    ("char(3)", [('"ab"', "ab")]),
    (
        "date",
        [
            ('"2024-02-29"', "2024-02-29"),
            ('"0001-01-01"', "0001-01-01"),
            ('"9999-12-31"', "9999-12-31"),
        ],
    ),
    ("time", [('"23:59:59.999999"', "23:59:59.999999"), ('"10:30"', "10:30:00")]),
    ("timetz", [('"10:30:00+02:00"', "10:30:00+02")]),
    (
        "timestamp",
        [
            ('"2023-12-08T01:02:03.123456"', "2023-12-08 01:02:03.123456"),
            ('"2023-12-08 01:02:03"', "2023-12-08 01:02:03"),
            ('"2023-12-08T00:00:00.000000000"', "2023-12-08 00:00:00"),
        ],
    ),
    ("timestamp(3)", [('"2023-12-08T01:02:03.120"', "2023-12-08 01:02:03.12")]),
    (
        "timestamptz",
        [
            ('"2021-07-27T16:02:08Z"', "2021-07-27 16:02:08+00"),
            ('"2021-07-27T16:02:08+05:30"', "2021-07-27 10:32:08+00"),
            ('"2021-07-27T16:02:08-07"', "2021-07-27 23:02:08+00"),
        ],
    ),
    (
        "interval",
        [
            ('"P1M"', "1 mon"),
            ('"P30D"', "30 days"),
            ('"PT1.5S"', "00:00:01.5"),
            ('"1 day 02:03:04"', "1 day 02:03:04"),
            ('"-00:05:00"', "-00:05:00"),
        ],
    ),
    ("uuid", [('"0190a8e4-1111-7000-8000-000000000001"', "0190a8e4-1111-7000-8000-000000000001")]),
    (
        "json",
        [
            ('{"b": 1.10, "a":[1,  2]}', '{"b": 1.10, "a":[1,  2]}'),
            ('"text"', '"text"'),
            ("1e400", "1e400"),
        ],
    ),
    (
        "jsonb",
        [
            ('{"b": 1.10, "a": [true, null]}', '{"a": [true, null], "b": 1.10}'),
            ("12345678901234567890", "12345678901234567890"),
        ],
    ),
    ("bytea", [('"aGVsbG8="', "\\x68656c6c6f"), ('"\\\\xdead"', "\\xdead"), ('""', "\\x")]),
    (
        "integer[]",
        [("[1, null, 3]", "{1,NULL,3}"), ("[[1,2],[3,4]]", "{{1,2},{3,4}}"), ("[]", "{}")],
    ),
    ("text[]", [('["a,b", "c\\"d", ""]', '{"a,b","c\\"d",""}')]),
    ("numeric(5,2)[]", [("[1.5, 2]", "{1.50,2.00}")]),
    ("bytea[]", [('["aGk="]', '{"\\\\x6869"}')]),
    ("jsonb[]", [('[{"a": 1}, null]', '{"{\\"a\\": 1}",NULL}')]),
    ("int4range", [('"[1,5)"', "[1,5)")]),
    ("tstzrange", [('"[2021-01-01T00:00:00Z,)"', '["2021-01-01 00:00:00+00",)')]),
    ("inet", [('"10.0.0.1/8"', "10.0.0.1/8")]),
    ("cidr", [('"10.0.0.0/8"', "10.0.0.0/8")]),
    ("macaddr", [('"08:00:2b:01:02:03"', "08:00:2b:01:02:03")]),
    ("bit(3)", [('"101"', "101")]),
    ("varbit(5)", [('"101"', "101")]),
    ("tsvector", [("\"'a' 'b'\"", "'a' 'b'")]),
    ("point", [('"(1,2)"', "(1,2)")]),
    ("hiring.mood", [('"happy"', "happy")]),
    ("hiring.mood[]", [('["happy", null]', "{happy,NULL}")]),
    ("hiring.positive", [("5", "5")]),
    ("money", [('"12.30"', "$12.30")]),
]

# type, then (value as JSON, code).
REFUSED: list[tuple[str, list[tuple[str, str]]]] = [
    ("smallint", [("32768", "out_of_range"), ('"32768"', "out_of_range")]),
    (
        "integer",
        [
            ("2147483648", "out_of_range"),
            ("2.5", "not_integer"),
            ("true", "not_integer"),
            ('"0x1F"', "not_integer"),
            ('"1_000"', "not_integer"),
            ('" 5"', "not_integer"),
            ('"5\\n"', "not_integer"),
            ('""', "not_integer"),
            ("[1]", "not_integer"),
            ("1e2", "not_integer"),
            ('"007"', "not_integer"),
            ('"+5"', "not_integer"),
            ('"٣"', "not_integer"),
        ],
    ),
    ("bigint", [("9223372036854775808", "out_of_range"), ("1" * 400, "out_of_range")]),
    (
        "real",
        [
            ("1e39", "out_of_range"),
            ("1e-60", "out_of_range"),
            ('"abc"', "not_number"),
            ('"NaN"', "not_finite"),
            ("16777217", "precision_lost"),
            ("123456.789", "precision_lost"),
            ('"0.10000000149"', "precision_lost"),
        ],
    ),
    ("hiring.share", [("16777217", "precision_lost"), ("2", "check_violation")]),
    ("real[]", [("[1, 16777217]", "precision_lost")]),
    ("double precision[]", [("[[9007199254740993]]", "precision_lost")]),
    ("point", [('"(9007199254740993,1)"', "precision_lost"), ('"(1,0.1e400)"', "out_of_range")]),
    ("box", [('"(1,2),(3,0.1234567890123456789)"', "precision_lost")]),
    (
        "double precision",
        [
            ("9007199254740993", "precision_lost"),
            ('"-9007199254740993"', "precision_lost"),
            ("0.1000000000000000055", "precision_lost"),
            ("1e23", "precision_lost"),
            ("1e400", "out_of_range"),
            ("1e-400", "out_of_range"),
            ('"Infinity"', "not_finite"),
            ("true", "not_number"),
            ('"1_0"', "not_number"),
            ('"1 "', "not_number"),
        ],
    ),
    (
        "numeric",
        [
            ('"NaN"', "not_finite"),
            ("1e200000", "out_of_range"),
            ('""', "not_number"),
            ("{}", "not_number"),
        ],
    ),
    (
        "numeric(10,2)",
        [
            ("1.555", "scale_exceeded"),
            ("1e20", "out_of_range"),
            ("100000000", "out_of_range"),
            ('"NaN"', "not_finite"),
            ("99999999.995", "scale_exceeded"),
        ],
    ),
    ("numeric(3,-2)", [("12345", "scale_exceeded")]),
    (
        "boolean",
        [
            ("2", "not_boolean"),
            ('"yes"', "not_boolean"),
            ('"true"', "not_boolean"),
            ("0", "not_boolean"),
        ],
    ),
    (
        "text",
        [
            ('"a\\u0000b"', "nul_character"),
            ('"\\ud800"', "bad_unicode"),
            ("{}", "type_mismatch"),
            ("[]", "type_mismatch"),
            ("5", "type_mismatch"),
            ("true", "type_mismatch"),
        ],
    ),
    ("varchar(3)", [('"abcd"', "too_long"), ('"abc "', "too_long")]),
    ("char(3)", [('"abcd"', "too_long")]),
    (
        "date",
        [
            ('"2021-02-30"', "bad_date"),
            ('"01/02/03"', "bad_date"),
            ('"today"', "bad_date"),
            ('"infinity"', "bad_date"),
            ('"0000-01-01"', "bad_date"),
            ('"10000-01-01"', "bad_date"),
            ('"2021-1-1"', "bad_date"),
            ('"2021-01-01T00:00:00"', "bad_date"),
            ("20210101", "bad_date"),
        ],
    ),
    (
        "time",
        [
            ('"24:00"', "bad_time"),
            ('"10:30:60"', "bad_time"),
            ('"10:30:00+02"', "bad_time"),
            ('"10:30:00.1234567"', "bad_time"),
        ],
    ),
    ("timetz", [('"10:30:00"', "timezone_missing")]),
    (
        "timestamp",
        [
            ('"2023-12-08T01:02:03Z"', "bad_timestamp"),
            ('"2023-12-08"', "bad_timestamp"),
            ('"now"', "bad_timestamp"),
        ],
    ),
    ("timestamp(3)", [('"2023-12-08T01:02:03.1234"', "bad_timestamp")]),
    (
        "timestamptz",
        [
            ('"2021-07-27T16:02:08"', "timezone_missing"),
            ('"2021-07-27T16:02:60Z"', "bad_timestamp"),
            ('"2021-07-27T24:00:00Z"', "bad_timestamp"),
            ('"2021-07-27T16:02:08.123456789Z"', "bad_timestamp"),
            ('"2021-02-30T00:00:00Z"', "bad_timestamp"),
            ('"infinity"', "bad_timestamp"),
            ("1627401728", "bad_timestamp"),
        ],
    ),
    (
        "interval",
        [
            ('"P0.5M"', "bad_interval"),
            ('"soon"', "bad_interval"),
            ('"P"', "bad_interval"),
            ('"PT1.1234567S"', "bad_interval"),
            ("5", "bad_interval"),
        ],
    ),
    (
        "uuid",
        [('"0190a8e4"', "bad_uuid"), ('"{0190a8e4-1111-7000-8000-000000000001}"', "bad_uuid")],
    ),
    (
        "jsonb",
        [
            ('{"a": "\\u0000"}', "nul_character"),
            ('{"a": 1, "a": 2}', "duplicate_key_in_object"),
            ('["\\udc00"]', "bad_unicode"),
        ],
    ),
    (
        "bytea",
        [
            ('"a"', "bad_bytes"),
            ('"a$=="', "bad_bytes"),
            ('"\\\\xzz"', "bad_bytes"),
            ("5", "bad_bytes"),
        ],
    ),
    (
        "integer[]",
        [
            ('"{1}"', "bad_array"),
            ("[1, 2.5]", "not_integer"),
            ("[[1],[2,3]]", "bad_array"),
            ("{}", "bad_array"),
            ("[[]]", "bad_array"),
        ],
    ),
    ("numeric(5,2)[]", [("[1.555]", "scale_exceeded")]),
    ("int4range", [('"[5,1)"', "bad_value"), ('"x"', "bad_value"), ("5", "type_mismatch")]),
    ("inet", [('"300.1.1.1"', "bad_value")]),
    ("cidr", [('"10.0.0.1/8"', "bad_value")]),
    ("bit(3)", [('"10"', "bad_value"), ('"abc"', "bad_value")]),
    ("varbit(5)", [('"101010"', "bad_value")]),
    ("point", [('"(1)"', "bad_value")]),
    ("hiring.mood", [('"angry"', "bad_enum"), ('""', "bad_enum"), ("1", "bad_enum")]),
    ("hiring.mood[]", [('["angry"]', "bad_enum")]),
    ("hiring.positive", [("-5", "check_violation"), ("2.5", "not_integer")]),
]


@pytest.fixture
def typed(client: Client) -> Any:
    execute("CREATE TYPE hiring.mood AS ENUM ('happy', 'sad')")
    execute("CREATE DOMAIN hiring.positive AS integer CHECK (VALUE > 0)")
    execute("CREATE DOMAIN hiring.share AS real CHECK (VALUE < 1 OR VALUE > 9)")
    yield client
    execute("DROP TYPE hiring.mood CASCADE")
    execute("DROP DOMAIN hiring.positive CASCADE")
    execute("DROP DOMAIN hiring.share CASCADE")


def make_table(type_name: str) -> None:
    """Make hiring.made with a column of the type."""
    statement = "CREATE TABLE hiring.made (id int PRIMARY KEY, v {})"
    execute(SQL(statement).format(SQL(type_name)))


def read_values(type_name: str) -> list[Any]:
    """Return the rows of hiring.made with their values as text."""
    cast = "v::text" if type_name != "char(3)" else "rtrim(v)"
    return stored(SQL("SELECT id, {} FROM hiring.made ORDER BY id").format(SQL(cast)))


def body(values: list[str]) -> str:
    rows = [f'{{"id": {i}, "v": {value}}}' for i, value in enumerate(values)]
    return f"[{','.join(rows)}]"


@pytest.mark.parametrize(("type_name", "cases"), ACCEPTED, ids=[name for name, _ in ACCEPTED])
def test_stores_values_exactly(typed: Client, type_name: str, cases: list[Any]) -> None:
    make_table(type_name)
    answer = send(typed, "made", body([value for value, _ in cases] + ["null"]))
    assert answer.status_code == 201, answer.json()
    expected = [(i, text) for i, (_, text) in enumerate(cases)] + [(len(cases), None)]
    assert read_values(type_name) == expected


@pytest.mark.parametrize(("type_name", "cases"), REFUSED, ids=[name for name, _ in REFUSED])
def test_refuses_values_and_stores_the_rest(
    typed: Client, type_name: str, cases: list[Any]
) -> None:
    make_table(type_name)
    answer = send(typed, "made", body(["null"] + [value for value, _ in cases]))
    receipt = answer.json()
    assert answer.status_code == 207, receipt
    assert codes(receipt) == {i: [(code, "v")] for i, (_, code) in enumerate(cases, 1)}
    assert stored("SELECT id FROM hiring.made") == [(0,)]


@pytest.mark.parametrize(("type_name", "cases"), ACCEPTED, ids=[name for name, _ in ACCEPTED])
def test_csv_stores_what_postgresql_prints(typed: Client, type_name: str, cases: list[Any]) -> None:
    make_table(type_name)
    texts = [text for _, text in cases if text]
    quoted = ['"' + text.replace('"', '""') + '"' for text in texts]
    csv = "id,v\n" + "".join(f"{i},{text}\n" for i, text in enumerate(quoted)) + f"{len(texts)},\n"
    if type_name in {"timetz", "timestamptz", "tstzrange", "money"}:
        csv = csv.replace("$", "")
    answer = send(typed, "made", csv.encode(), content_type="text/csv")
    assert answer.status_code == 201, answer.json()
    expected = [(i, text) for i, text in enumerate(texts)] + [(len(texts), None)]
    assert read_values(type_name) == expected


def test_a_nested_value_is_shown_as_json(client: Client) -> None:
    make_table("text")
    answer = send(client, "made", body(['{"a": [1.10, null, true, "é"], "b": 1e400}', "[[]]"]))
    errors = [one["errors"][0] for one in answer.json()["rejections"]]
    texts = ['{"a": [1.10, null, true, "é"], "b": 1e400}', "[[]]"]
    assert [error["value"] for error in errors] == texts
    assert [error["message"] for error in errors] == [
        f"v: expected a string, got {text}" for text in texts
    ]
