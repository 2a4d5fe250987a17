"""Every PostgreSQL type and its corner values, through Avro and back."""

import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import avro.datafile
import avro.io
import fastavro
import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from psycopg.sql import SQL, Identifier
from uuid_utils.compat import uuid7

from backups.avro.binary_rows import can_encode
from backups.avro.schema import parse_schema
from backups.make.make import make_backup
from backups.restore.plan import RestoreRequest
from backups.restore.restore import restore_backup
from backups.runs.runs import run_backup
from backups.store.archive import find_backup
from tests.integration.backups.tables import (
    BEYOND_LOGICAL,
    EVERY_TYPE,
    administrator,
    ask,
    difference,
    drop,
    keep_copy,
    make_every_type,
    run,
)
from tests.scale import scale

pytestmark = pytest.mark.usefixtures("scratch")

# Tables of these types alone are loaded in COPY's binary format.
BINARY = {
    name: EVERY_TYPE[name]
    for name in (
        *("boolean", "smallint", "integer", "bigint", "real", "double precision", "text"),
        *("varchar(300)", "bytea", "date", "timestamp", "timestamptz", "uuid", "json", "jsonb"),
        "hiring.positive",
    )
}
NAME = 'every "type" of Größe'


def back_up(name: str, codec: str | None = None) -> Path:
    finished = run_backup(tables=[f"hiring.{name}"], codec=codec)
    backup = find_backup(str(finished.pk))
    (entry,) = backup.read().tables
    return backup.path_of(entry)


@pytest.mark.parametrize(
    "values", [EVERY_TYPE, EVERY_TYPE | BEYOND_LOGICAL, BINARY], ids=["usual", "beyond", "binary"]
)
def test_restores_every_type_as_it_was(values: dict[str, list[str | None]]) -> None:
    make_every_type(NAME, values)
    keep_copy(NAME)
    back_up(NAME)
    schema = parse_schema(find_backup(None).read().tables[0].avro_schema)
    assert can_encode(schema.fields) == (values is BINARY)
    with administrator() as connection:
        connection.execute(SQL("DELETE FROM {} WHERE id > 2").format(Identifier("hiring", NAME)))
    assert difference(NAME) > 0
    restore_backup(find_backup(None), RestoreRequest(tables=[f"hiring.{NAME}"]))
    assert difference(NAME) == 0


def test_restores_a_table_of_every_type_that_was_dropped() -> None:
    make_every_type(NAME, EVERY_TYPE)
    keep_copy(NAME)
    back_up(NAME)
    drop([NAME])
    restore_backup(find_backup(None), RestoreRequest(tables=[f"hiring.{NAME}"]))
    assert difference(NAME) == 0
    with administrator() as connection:
        table = Identifier("hiring", NAME)
        connection.execute(SQL("INSERT INTO {} DEFAULT VALUES").format(table))
        ((highest, count),) = connection.execute(
            SQL("SELECT max(id), count(*) FROM {}").format(table)
        ).fetchall()
    assert highest == count  # the serial column went on where it was


def read_with_fastavro(path: Path) -> tuple[Any, list[Any]]:
    with path.open("rb") as file:
        reader = fastavro.reader(file)
        return reader.writer_schema, list(reader)


@pytest.mark.parametrize("codec", ["snappy", "deflate", "zstandard", "null"])
def test_other_readers_understand_the_file(codec: str) -> None:
    run(
        "CREATE TABLE hiring.plain (id bigint PRIMARY KEY, small smallint, amount numeric(10,2),"
        " born date, seen timestamptz, ref uuid, note text, raw bytea, ok boolean, score real)",
        "INSERT INTO hiring.plain VALUES (1, -5, -12.34, '2024-02-29', '2024-02-29 12:00+02',"
        " 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'Größe', '\\x00ff', true, 1.5),"
        " (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
    )
    path = back_up("plain", codec)
    first, second = read_with_fastavro(path)[1]
    assert str(first["amount"]) == "-12.34"
    assert first["born"].isoformat() == "2024-02-29"
    assert first["seen"].isoformat() == "2024-02-29T10:00:00+00:00"
    assert str(first["ref"]) == "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
    assert (first["note"], first["raw"], first["ok"], first["score"]) == (
        "Größe",
        b"\0\xff",
        True,
        1.5,
    )
    assert set(second.values()) == {2, None}
    with path.open("rb") as file:
        records: list[Any] = list(avro.datafile.DataFileReader(file, avro.io.DatumReader()))
    assert [str(record["amount"]) for record in records] == ["-12.34", "None"]
    assert records[0]["seen"].isoformat() == "2024-02-29T10:00:00+00:00"
    if codec in {"snappy", "deflate", "null"}:
        frame = pl.read_avro(path)
        assert frame["id"].to_list() == [1, 2]
        assert frame["born"].cast(pl.String).to_list() == ["2024-02-29", None]
        assert frame["note"].to_list() == ["Größe", None]


def test_a_later_schema_reads_an_earlier_file() -> None:
    run("CREATE TABLE hiring.grown (id int)", "INSERT INTO hiring.grown VALUES (1)")
    earlier = back_up("grown")
    run("ALTER TABLE hiring.grown ADD note text, ADD amount numeric(9,2)")
    later, _ = read_with_fastavro(back_up("grown"))
    with earlier.open("rb") as file:
        rows = list(fastavro.reader(file, reader_schema=later))
    assert rows == [{"id": 1, "note": None, "amount": None}]


def test_a_nan_leaves_the_decimals_of_other_columns_as_they_are() -> None:
    run(
        "CREATE TABLE hiring.sum (paid numeric(9,2), owed numeric(9,2))",
        "INSERT INTO hiring.sum VALUES ('1.50', '-0.25'), ('NaN', '2.00'), (NULL, NULL)",
    )
    keep_copy("sum")
    _, rows = read_with_fastavro(back_up("sum"))
    assert [row["paid"] for row in rows] == ["1.50", "NaN", None]
    assert [row["owed"] for row in rows] == [Decimal("-0.25"), Decimal("2.00"), None]
    run("DELETE FROM hiring.sum")
    restore_backup(find_backup(None), RestoreRequest(tables=["hiring.sum"]))
    assert difference("sum") == 0


def test_names_that_avro_forbids_are_kept_in_properties() -> None:
    run('CREATE TABLE hiring."2 words" ("a b" int, "a_b" int, "a-b" int, "ä" int)')
    run('INSERT INTO hiring."2 words" VALUES (1, 2, 3, 4)')
    schema, rows = read_with_fastavro(back_up("2 words"))
    assert schema["pg_table"] == "2 words"
    assert [field["pg_name"] for field in schema["fields"]] == ["a b", "a_b", "a-b", "ä"]
    assert rows == [{"a_b_2": 1, "a_b": 2, "a_b_3": 3, "_": 4}]


def test_a_nan_is_a_nan_whatever_its_bits() -> None:
    nans = [
        (b"\x7f\xf8\0\0\0\0\0\x01", b"\x7f\xc0\0\x01"),
        (b"\xff\xf8" + bytes(6), b"\xff\xc0\0\0"),
    ]
    run("CREATE TABLE hiring.odd (wide double precision, narrow real)")
    with administrator() as connection:
        into = "COPY hiring.odd FROM STDIN (FORMAT binary)"
        with connection.cursor().copy(into) as copy:
            copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
            for wide, narrow in nans:
                copy.write(b"\0\2\0\0\0\x08" + wide + b"\0\0\0\x04" + narrow)
            copy.write(b"\xff\xff")
    back_up("odd")
    run("DELETE FROM hiring.odd")
    restore_backup(find_backup(None), RestoreRequest(tables=["hiring.odd"]))
    assert ask("SELECT wide::text, narrow::text FROM hiring.odd") == [("NaN", "NaN")] * 2


def test_an_empty_table_is_restored_empty() -> None:
    run("CREATE TABLE hiring.nothing (id int PRIMARY KEY)")
    back_up("nothing")
    run("INSERT INTO hiring.nothing VALUES (1)")
    report = restore_backup(find_backup(None), RestoreRequest(tables=["hiring.nothing"]))
    assert (report.rows, ask("SELECT count(*) FROM hiring.nothing")) == (0, [(0,)])


def _plain_nan(number: float) -> float:
    # A NaN that carries a payload, which only binary clients can store, is not carried over.
    return math.nan if math.isnan(number) else number


LIMIT = 10**12
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | TEXTS,
        st.none() | st.binary(),
        st.none() | st.floats().map(_plain_nan),
        st.none()
        | st.decimals(
            allow_nan=False, allow_infinity=False, places=4, min_value=-LIMIT, max_value=LIMIT
        ),
        st.none() | st.datetimes(),
        st.none() | st.dates(),
        st.none() | st.lists(st.none() | TEXTS),
    ),
    max_size=30,
)


@settings(
    max_examples=scale(5),
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(ROWS)
def test_any_rows_come_back_as_they_were(rows: list[tuple[object, ...]]) -> None:
    run(
        "DROP TABLE IF EXISTS hiring.anything",
        "DROP TABLE IF EXISTS kept.anything",
        "CREATE TABLE hiring.anything (i bigint, t text, b bytea, f double precision, n numeric,"
        " ts timestamp, d date, ta text[])",
    )
    with administrator() as connection, connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO hiring.anything VALUES (%s, %s, %s, %s, %s, %s, %s, %s)", rows
        )
    keep_copy("anything")
    manifest = make_backup(uuid7(), tables=["hiring.anything"])
    run("DELETE FROM hiring.anything")
    restore_backup(find_backup(str(manifest.id)), RestoreRequest(tables=["hiring.anything"]))
    assert difference("anything") == 0
