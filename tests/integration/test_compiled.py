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

from ingest.payload.payload import CsvBody, JsonArray, JsonLines, Payload
from ingest.validation.fields import Limits, make_fields
from ingest.validation.native.binding import make_encoder
from ingest.validation.native.encoded_rows import EncodedRows
from ingest.validation.native.library import load_library
from ingest.validation.validated_rows import RowValues, ValidatedBatch
from ingest.writing.tables import WritableTable, WritableTables
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


@pytest.fixture(autouse=True)
def library() -> None:
    need(load_library(), "compiled code (make ingest/validation/native/rows.so)")


@pytest.fixture
def session(database: None) -> Iterator[Connection]:
    with log_in() as connection:
        yield connection
        connection.rollback()


def make_table(session: Connection, type_name: str) -> WritableTable:
    """Make hiring.made, whose columns have the type in all the ways that make a difference."""
    statement = SQL("""
        CREATE DOMAIN pg_temp.kind AS {type};
        CREATE TABLE hiring.made (
            needed {type} NOT NULL, plain {type}, "größe" {type} DEFAULT {value},
            sure {type} NOT NULL DEFAULT {value}, narrow pg_temp.kind);
    """)
    session.execute(statement.format(type=SQL(type_name), value=Literal(GOOD[type_name][1])))
    return know_table(session, referring=["plain"] if type_name in REFERRING else [])


def know_table(session: Connection, referring: list[str]) -> WritableTable:
    """Return hiring.made as if these columns were foreign keys."""
    tables = WritableTables(["hiring"], LIMITS)
    known = tables.find(session, "hiring.made")
    table = change(known.table, foreign_keys=tuple(map(make_key, referring)))
    return replace(known, table=table, compiled=tables.compile(table))


def read_stored(
    session: Connection, known: WritableTable, batch: ValidatedBatch, *, copying: bool = True
) -> list[bytes] | str:
    """Return what is in the table once the rows are, to the letter, or PostgreSQL's error."""
    with session.transaction(force_rollback=True):
        try:
            with session.transaction():
                known.compiled.writer.write(session, batch, batch.groups, copying=copying)
        except psycopg.Error as error:
            return str(error.sqlstate)
        with session.cursor().copy("COPY hiring.made TO STDOUT") as copy:
            return sorted(b"".join(map(bytes, copy)).split(b"\n"))


def is_encoded_alike(session: Connection, known: WritableTable, payload: Payload) -> bool:
    """Compare what becomes of a body with what Python makes of it; return whether it is encoded."""
    found, expected = validate(known, payload), validate(known, payload, natively=False)
    if isinstance(found, str) or isinstance(expected, str):
        assert found == expected
        return False
    assert list(map(asdict, found.rejections)) == list(map(asdict, expected.rejections))
    assert found.received == expected.received
    assert found.texts.fields == expected.texts.fields
    encoded = get_encoded(found)
    if encoded is None:
        return False
    for copying in [True, False]:
        stored = read_stored(session, known, found, copying=copying)
        assert stored == read_stored(session, known, expected, copying=copying)
    assert places(found) == places(expected)
    is_whole = len(found.groups) == 1 and not found.rejections
    if is_whole and expected.validated == "column":
        (rows,) = expected.groups
        for name in (key.columns[0] for key in known.table.foreign_keys):
            compare_columns(name, encoded, rows.values)
            some = range(0, found.received, 2)
            compare_columns(name, encoded.take(some), rows.values.take(some))
    return is_whole


def compare_columns(name: str, values: RowValues, expected: RowValues) -> None:
    assert values.column(name) == expected.column(name)
    assert set(map(str, values.distinct(name))) == set(map(str, expected.distinct(name)))


def validate(
    known: WritableTable, payload: Payload, *, natively: bool = True
) -> ValidatedBatch | str:
    """Return what a body is validated to, or the error that it leads to."""
    try:
        return known.compiled.validator.validate(payload, copies=natively)
    except RowhouseError as error:
        return repr(error)


def get_encoded(batch: ValidatedBatch | str) -> EncodedRows | None:
    """Return the rows that are encoded."""
    groups = batch.groups if isinstance(batch, ValidatedBatch) else []
    values = groups[0].values if groups else None
    return values if isinstance(values, EncodedRows) else None


def places(batch: ValidatedBatch) -> list[int]:
    """Return the places of the rows that may be stored."""
    return sorted(place for rows in batch.groups for place in rows.places)


def csv_body(body: bytes, *, has_header: bool = True) -> CsvBody:
    return CsvBody(body, "utf-8", has_header)


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
    try_many(json_arrays(type_name), lambda body: is_encoded_alike(session, known, JsonArray(body)))


@pytest.mark.parametrize("type_name", GOOD)
def test_an_ndjson_body_is_stored_as_python_would(session: Connection, type_name: str) -> None:
    known = make_table(session, type_name)
    try_many(
        json_rows(type_name),
        lambda rows: is_encoded_alike(session, known, JsonLines("\n".join(rows).encode())),
    )


@pytest.mark.parametrize("type_name", GOOD)
def test_a_csv_body_is_stored_as_python_would(session: Connection, type_name: str) -> None:
    known = make_table(session, type_name)

    def check(example: tuple[bytes, bool]) -> None:
        body, has_header = example
        is_encoded_alike(session, known, csv_body(body, has_header=has_header))

    try_many(csv_bodies(type_name), check)


@pytest.mark.parametrize("type_name", GOOD)
def test_each_odd_value_is_stored_as_python_would(session: Connection, type_name: str) -> None:
    known = make_table(session, type_name)
    good = good_spellings(type_name, GOOD[type_name][0])[0]
    for token in odd_tokens(type_name):
        for name in ["plain", "sure", "narrow"]:
            for rows in [f'{{"needed":{good},"{name}":{token}}}', f'{{"needed":{token}}}']:
                is_encoded_alike(session, known, JsonArray(f"[{rows}]".encode()))
    for text in odd_texts(type_name):
        for field in [text, '"' + text.replace('"', '""') + '"']:
            is_encoded_alike(session, known, csv_body(f"needed,plain\n{field},{field}".encode()))


@pytest.mark.parametrize("type_name", GOOD)
def test_good_values_are_encoded(session: Connection, type_name: str) -> None:
    known = make_table(session, type_name)

    def is_encoded(payload: Payload) -> bool:
        return is_encoded_alike(session, known, payload)

    for text in GOOD[type_name]:
        for value in good_spellings(type_name, text):
            row = f'{{"needed": {value}, "narrow": {value}, "plain": null, "größe": {value}}}'
            assert is_encoded(JsonArray(f" [{row},\n{row}] ".encode())), value
            assert is_encoded(JsonLines(f"{row}\n\n{row}".encode())), value
        for field in [text, f'"{text}"']:
            record = f"{field},,{field},{field},{field}"
            body = f"\n{record}\r\n{record}\n".encode()
            assert is_encoded(csv_body(body, has_header=False)), field
            body = f"NEEDED,Größe,narrow\n{field},{field},\n{field},{field},".encode()
            assert is_encoded(csv_body(body)), field


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
    payload = JsonArray(f'[{{"needed": {token}}}]'.encode())
    assert is_encoded_alike(session, known, payload)
    with session.transaction(force_rollback=True):
        batch = known.compiled.validator.validate(payload, copies=True)
        known.compiled.writer.write(session, batch, batch.groups)
        assert session.execute("SELECT needed FROM hiring.made").fetchall() == [(meant,)]
    field = '"' + meant.replace('"', '""') + '"'
    assert is_encoded_alike(session, known, csv_body(f"needed\n{field}\n".encode()))


def test_values_of_references_are_told_once_each(session: Connection) -> None:
    known = make_table(session, "text")
    lists: list[Sequence[str | None]] = [["a", "", "a", "ä", None], ["aa"] * 5, ['a"', "\\", "\n"]]
    for values in lists:
        body = json.dumps([{"needed": "x", "plain": value} for value in values], ensure_ascii=False)
        encoded = get_encoded(validate(known, JsonArray(body.encode())))
        assert encoded is not None
        assert encoded.distinct("plain") == set(values) - {None}


@pytest.mark.parametrize("name", ["a,b", "c d", " needed", "neede", "needed_", "x" * 63, "ключ"])
def test_columns_with_odd_names_are_found_as_python_finds_them(
    session: Connection, name: str
) -> None:
    known = make_named_table(session, name)
    for body in [f'[{{"needed":1,"{name}":5}}]', f'[{{"{name}":5,"needed":1,"plain":2}}]']:
        assert is_encoded_alike(session, known, JsonArray(body.encode()))
    for key in [name[:-1], name + " ", name.upper(), rf"\u{ord(name[0]):04x}{name[1:]}"]:
        body = f'[{{"needed":1,"{key}":5}}]'
        is_encoded_alike(session, known, JsonArray(body.encode()))
    assert is_encoded_alike(session, known, csv_body(b"1,2,3\n4,5,6", has_header=False))
    for field in [name, f'"{name}"', name.upper(), "needed", '"needed"', name.replace("_", " ")]:
        for other in ["needed", "plain"]:
            is_encoded_alike(session, known, csv_body(f"{field},{other}\n1,2\n".encode()))


@pytest.mark.parametrize("name", ['a"b', "a\\b", '"needed"', "a\nb", "\x7f"], ids=ascii)
def test_names_that_are_written_with_escapes_are_left_to_python(
    session: Connection, name: str
) -> None:
    assert make_named_table(session, name).compiled.validator.encoder is None


def make_named_table(session: Connection, name: str) -> WritableTable:
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
        payload = JsonArray(f"[{','.join(rows)}]".encode())
        assert is_encoded_alike(session, known, payload) == is_within


def test_a_type_that_has_the_name_of_another_is_left_to_python(session: Connection) -> None:
    session.execute('CREATE TYPE hiring."bool" AS RANGE (subtype = integer)')
    session.execute('CREATE TABLE hiring.made (needed hiring."bool")')
    assert know_table(session, referring=[]).compiled.validator.encoder is None


def test_numbers_are_left_to_python_where_few_digits_are_allowed(session: Connection) -> None:
    known = make_table(session, "numeric")
    for digits, is_encoding in [(300, True), (299, False)]:
        limits = replace(LIMITS, max_number_digits=digits)
        encoder = make_encoder(known.table, make_fields(known.table, limits), limits)
        assert (encoder is not None) == is_encoding


def test_threads_encode_beside_each_other(session: Connection) -> None:
    known = make_table(session, "text")
    sources = [
        JsonArray(f'[{{"needed":"{letter * 3000}","plain":"{letter}"}}]'.encode())
        for letter in "abcdefgh"
    ]

    def encode(source: Payload) -> Sequence[bytes] | None:
        batch = known.compiled.validator.validate(source, copies=True)
        encoded = get_encoded(batch)
        data = encoded.copy_data(batch.groups[0].columns) if encoded else None
        return data.cut(1000) if data else None

    expected = list(map(encode, sources))
    assert None not in expected
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(encode, sources * 50)) == expected * 50
