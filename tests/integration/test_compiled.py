"""Compiled code encodes what Python would have stored, as it would, and nothing that it refuses."""

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from msgspec.structs import asdict
from msgspec.structs import replace as change
from psycopg import Connection
from psycopg.sql import SQL, Identifier, Literal

from ingest.catalog.registry import KnownTable, TableRegistry
from ingest.payload.json_body import split_lines
from ingest.validation.native.binding import make_encoder
from ingest.validation.native.encoded_rows import EncodedRows
from ingest.validation.native.library import load_library
from ingest.validation.row_checks import Limits
from ingest.validation.rules import RowRules
from ingest.validation.validate import CsvSource, decode_array, decode_lines
from ingest.validation.validated_rows import Decoded
from ingest.writing.writer import TableWriter
from project.base.errors import RowhouseError
from tests.database import log_in
from tests.encodable import (
    GOOD,
    csv_bodies,
    good_spellings,
    json_arrays,
    json_rows,
    make_key,
    odd_texts,
    odd_tokens,
)
from tests.needs import need
from tests.scale import scale

pytestmark = pytest.mark.usefixtures("database")

# Low enough for bodies of a test to be beyond them.
LIMITS = Limits(max_rows=5, max_row_bytes=4000, max_depth=20, max_number_digits=1000)

# Types whose foreign keys are checked by value.
REFERRING = {"smallint", "integer", "bigint", "text", "varchar(5)", "uuid"}

Decode = Callable[[KnownTable], Decoded]


@pytest.fixture(autouse=True)
def library() -> None:
    need(load_library(), "compiled code (make ingest/validation/native/rows.so)")


@pytest.fixture
def session(database: None) -> Iterator[Connection]:
    with log_in() as connection:
        yield connection
        connection.rollback()


def make_table(session: Connection, type_name: str) -> KnownTable:
    """Make hiring.made, whose columns have the type in all the ways that make a difference."""
    statement = SQL("""
        CREATE DOMAIN pg_temp.kind AS {type};
        CREATE TABLE hiring.made (
            needed {type} NOT NULL, plain {type}, "größe" {type} DEFAULT {value},
            sure {type} NOT NULL DEFAULT {value}, narrow pg_temp.kind);
    """)
    session.execute(statement.format(type=SQL(type_name), value=Literal(GOOD[type_name][1])))
    return know_table(session, referring=["plain"] if type_name in REFERRING else [])


def know_table(session: Connection, referring: list[str]) -> KnownTable:
    """Return hiring.made as if these columns were foreign keys."""
    known = TableRegistry(["hiring"], LIMITS).find(session, "hiring.made")
    table = change(known.table, foreign_keys=tuple(map(make_key, referring)))
    rules = RowRules(table, LIMITS)
    encoder = make_encoder(table, rules.fields, LIMITS)
    return KnownTable(known.version, table, rules, TableWriter(table, rules), encoder)


def read_stored(
    session: Connection, known: KnownTable, decoded: Decoded, *, copying: bool = True
) -> list[bytes] | str:
    """Return what is in the table once the rows are, to the letter, or PostgreSQL's error."""
    with session.transaction(force_rollback=True):
        try:
            with session.transaction():
                for rows in decoded.groups:
                    known.writer.write_rows(session, rows, copying=copying)
        except psycopg.Error as error:
            return str(error.sqlstate)
        with session.cursor().copy("COPY hiring.made TO STDOUT") as copy:
            return sorted(b"".join(map(bytes, copy)).split(b"\n"))


def is_encoded_alike(session: Connection, known: KnownTable, decode: Decode) -> bool:
    """Compare what becomes of a body with what Python makes of it; return whether it is encoded."""
    found, decoded = try_to(decode, known), try_to(decode, replace(known, encoder=None))
    if isinstance(found, str) or isinstance(decoded, str):
        assert found == decoded
        return False
    assert list(map(asdict, found.rejections)) == list(map(asdict, decoded.rejections))
    for name in ["received", "format", "fields"]:
        assert getattr(found, name) == getattr(decoded, name)
    encoded = get_encoded(found)
    if encoded is None:
        return False
    for options in [{}, {"copying": False}] if found.format == "json" else [{}]:
        stored = read_stored(session, known, found, **options)
        assert stored == read_stored(session, known, decoded, **options)
    if found.format == "json":
        assert split(found) == split(decoded)
    is_whole = len(found.groups) == 1 and not found.rejections
    by_column = decoded.groups[0].by_column if is_whole else None
    if by_column is not None:
        for name in (key.columns[0] for key in known.table.foreign_keys):
            assert encoded.values_of(name) == by_column.values_of(name)
            if found.format == "json":
                assert encoded.column(name) == by_column.column(name)
                some = range(0, found.received, 2)
                assert encoded.take(some).column(name) == by_column.take(some).column(name)
                assert encoded.take(some).values_of(name) == by_column.take(some).values_of(name)
    return is_whole


def try_to(decode: Decode, known: KnownTable) -> Decoded | str:
    """Return what a body is decoded to, or the error that it leads to."""
    try:
        return decode(known)
    except RowhouseError as error:
        return repr(error)


def get_encoded(decoded: Decoded) -> EncodedRows | None:
    """Return the rows that are encoded."""
    by_column = decoded.groups[0].by_column if decoded.groups else None
    return by_column if isinstance(by_column, EncodedRows) else None


def split(decoded: Decoded) -> list[tuple[int, bytes]]:
    """Return the rows that may be stored as they were sent, with their places in the batch."""
    texts = [text for rows in decoded.groups for text in rows.split().items()]
    return sorted((index, decoded.raw_of(index, text)) for index, text in texts)


def json_source(array: bytes) -> Decode:
    return lambda known: decode_array(known, array, "default")


def ndjson_source(body: bytes) -> Decode:
    texts, lines = split_lines(body)
    return lambda known: decode_lines(known, texts, lines, "default")


def csv_source(body: bytes, *, has_header: bool = True) -> Decode:
    return lambda known: CsvSource(body, "utf-8", has_header=has_header).decode(known, "default")


def try_many(strategy: Any, check: Callable[[Any], object]) -> None:
    @settings(
        max_examples=scale(30),
        derandomize=scale(1) == 1,  # CI tries the same each time
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(strategy)
    def run(example: Any) -> None:
        check(example)

    run()


@pytest.mark.parametrize("type_name", GOOD)
def test_a_json_body_is_stored_as_python_would(session: Connection, type_name: str) -> None:
    known = make_table(session, type_name)
    try_many(
        json_arrays(type_name), lambda body: is_encoded_alike(session, known, json_source(body))
    )


@pytest.mark.parametrize("type_name", GOOD)
def test_an_ndjson_body_is_stored_as_python_would(session: Connection, type_name: str) -> None:
    known = make_table(session, type_name)
    try_many(
        json_rows(type_name),
        lambda rows: is_encoded_alike(session, known, ndjson_source("\n".join(rows).encode())),
    )


@pytest.mark.parametrize("type_name", GOOD)
def test_a_csv_body_is_stored_as_python_would(session: Connection, type_name: str) -> None:
    known = make_table(session, type_name)

    def check(example: tuple[bytes, bool]) -> None:
        body, has_header = example
        is_encoded_alike(session, known, csv_source(body, has_header=has_header))

    try_many(csv_bodies(type_name), check)


@pytest.mark.parametrize("type_name", GOOD)
def test_each_odd_value_is_stored_as_python_would(session: Connection, type_name: str) -> None:
    known = make_table(session, type_name)
    good = good_spellings(type_name, GOOD[type_name][0])[0]
    for token in odd_tokens(type_name):
        for name in ["plain", "sure", "narrow"]:
            for rows in [f'{{"needed":{good},"{name}":{token}}}', f'{{"needed":{token}}}']:
                is_encoded_alike(session, known, json_source(f"[{rows}]".encode()))
    for text in odd_texts(type_name):
        for field in [text, '"' + text.replace('"', '""') + '"']:
            is_encoded_alike(session, known, csv_source(f"needed,plain\n{field},{field}".encode()))


@pytest.mark.parametrize("type_name", GOOD)
def test_good_values_are_encoded(session: Connection, type_name: str) -> None:
    known = make_table(session, type_name)

    def is_encoded(decode: Decode) -> bool:
        return is_encoded_alike(session, known, decode)

    for text in GOOD[type_name]:
        for value in good_spellings(type_name, text):
            row = f'{{"needed": {value}, "narrow": {value}, "plain": null, "größe": {value}}}'
            assert is_encoded(json_source(f" [{row},\n{row}] ".encode())), value
            assert is_encoded(ndjson_source(f"{row}\n\n{row}".encode())), value
        for field in [text, f'"{text}"']:
            record = f"{field},,{field},{field},{field}"
            body = f"\n{record}\r\n{record}\n".encode()
            assert is_encoded(csv_source(body, has_header=False)), field
            body = f"NEEDED,Größe,narrow\n{field},{field},\n{field},{field},".encode()
            assert is_encoded(csv_source(body)), field


TEXTS = [
    (rf'"{escape}b"', meant + "b")
    for escape, meant in [
        (r"\u00e4", "ä"),
        (r"\ud83d\uDE00", "😀"),
        (r"\/\"\\", '/"\\'),
        (r"\b\f\n\r\t", "\b\f\n\r\t"),
        (r"\u0001\uffff\u07ff\u0800", "\u0001\uffff\u07ff\u0800"),
    ]
]


@pytest.mark.parametrize(("token", "meant"), TEXTS, ids=range(len(TEXTS)))
def test_escaped_texts_are_encoded(session: Connection, token: str, meant: str) -> None:
    known = make_table(session, "text")
    decode = json_source(f'[{{"needed": {token}}}]'.encode())
    assert is_encoded_alike(session, known, decode)
    with session.transaction(force_rollback=True):
        known.writer.write_whole(session, decode(known))
        assert session.execute("SELECT needed FROM hiring.made").fetchall() == [(meant,)]
    field = '"' + meant.replace('"', '""') + '"'
    assert is_encoded_alike(session, known, csv_source(f"needed\n{field}\n".encode()))


def test_values_of_references_are_told_once_each(session: Connection) -> None:
    known = make_table(session, "text")
    # Some of them have the same place in the set.
    squares = [[str(number * number) for number in range(at, at + 5)] for at in range(320, 420, 5)]
    lists: list[Sequence[str | None]] = [["a", "", "a", "ä", None], ["aa"] * 5, *squares]
    for values in lists:
        body = json.dumps([{"needed": "x", "plain": value} for value in values], ensure_ascii=False)
        encoded = get_encoded(json_source(body.encode())(known))
        assert encoded is not None
        assert encoded.values_of("plain") == set(values) - {None}


@pytest.mark.parametrize("name", ["a,b", "c d", " needed", "neede", "needed_", "x" * 63, "ключ"])
def test_columns_with_odd_names_are_found_as_python_finds_them(
    session: Connection, name: str
) -> None:
    known = make_named_table(session, name)
    for body in [f'[{{"needed":1,"{name}":5}}]', f'[{{"{name}":5,"needed":1,"plain":2}}]']:
        assert is_encoded_alike(session, known, json_source(body.encode()))
    for key in [name[:-1], name + " ", name.upper(), rf"\u{ord(name[0]):04x}{name[1:]}"]:
        body = f'[{{"needed":1,"{key}":5}}]'
        is_encoded_alike(session, known, json_source(body.encode()))
    assert is_encoded_alike(session, known, csv_source(b"1,2,3\n4,5,6", has_header=False))
    for field in [name, f'"{name}"', name.upper(), "needed", '"needed"', name.replace("_", " ")]:
        for other in ["needed", "plain"]:
            is_encoded_alike(session, known, csv_source(f"{field},{other}\n1,2\n".encode()))


@pytest.mark.parametrize("name", ['a"b', "a\\b", '"needed"', "a\nb", "\x7f"], ids=ascii)
def test_names_that_are_written_with_escapes_are_left_to_python(
    session: Connection, name: str
) -> None:
    assert make_named_table(session, name).encoder is None


def make_named_table(session: Connection, name: str) -> KnownTable:
    """Make hiring.made with a column of this name."""
    statement = "CREATE TABLE hiring.made (needed int NOT NULL, plain int, {} int DEFAULT 3)"
    session.execute(SQL(statement).format(Identifier(name)))
    return know_table(session, referring=["plain"])


def test_a_batch_at_the_limits_is_encoded_and_one_beyond_is_not(session: Connection) -> None:
    known = make_table(session, "text")
    row = '{"needed":"%s"}'
    longest = row % ("x" * (LIMITS.max_row_bytes - len(row) + 2))
    for rows, is_within in [
        ([row % "a"] * 5, True),
        ([row % "a"] * 6, False),
        ([longest], True),
        ([longest.replace("xx", "xxx", 1)], False),
    ]:
        decode = json_source(f"[{','.join(rows)}]".encode())
        assert is_encoded_alike(session, known, decode) == is_within


def test_a_type_that_has_the_name_of_another_is_left_to_python(session: Connection) -> None:
    session.execute('CREATE TYPE hiring."bool" AS RANGE (subtype = integer)')
    session.execute('CREATE TABLE hiring.made (needed hiring."bool")')
    assert know_table(session, referring=[]).encoder is None


def test_numbers_are_left_to_python_where_few_digits_are_allowed(session: Connection) -> None:
    known = make_table(session, "numeric")
    for digits, is_encoding in [(300, True), (299, False)]:
        limits = replace(LIMITS, max_number_digits=digits)
        encoder = make_encoder(known.table, known.rules.fields, limits)
        assert (encoder is not None) == is_encoding


def test_threads_encode_beside_each_other(session: Connection) -> None:
    known = make_table(session, "text")
    sources = [
        json_source(f'[{{"needed":"{letter * 3000}","plain":"{letter}"}}]'.encode())
        for letter in "abcdefgh"
    ]

    def encode(source: Decode) -> Sequence[bytes] | None:
        decoded = source(known)
        encoded = get_encoded(decoded)
        data = encoded.copy_data(decoded.groups[0].columns) if encoded else None
        return data.cut(1000) if data else None

    expected = list(map(encode, sources))
    assert None not in expected
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(encode, sources * 50)) == expected * 50
