"""backups.avro.binary_rows: columns as COPY's binary format has them."""

from typing import Any

import polars as pl
import pytest

from backups.avro.binary_rows import can_encode, encode_rows
from backups.avro.schema import Field
from backups.avro.types import TEXT, TypeAdapter


def field(base: str, adapter: TypeAdapter) -> Field:
    return Field("f", "f", base, base, adapter)


INT4 = field("int4", TypeAdapter(primitive="int"))
WORD = field("text", TEXT)


def signed(size: int) -> Any:
    return lambda value: value.to_bytes(size, "big", signed=True)


# How each type travels, some values, their polars type, and their bytes for PostgreSQL.
VALUES: dict[str, tuple[TypeAdapter, list[Any], Any, Any]] = {
    "bool": (TypeAdapter(primitive="boolean"), [True, False, True], pl.Boolean, signed(1)),
    "int2": (TypeAdapter(primitive="int"), [-2, 32767, -32768], pl.Int32, signed(2)),
    "int4": (TypeAdapter(primitive="int"), [7, 2**31 - 1, -(2**31)], pl.Int32, signed(4)),
    "int8": (TypeAdapter(primitive="long"), [-1, 2**63 - 1, -(2**63)], pl.Int64, signed(8)),
    "text": (TEXT, ["ö", "", "x" * 300], pl.String, str.encode),
}


def test_a_row_is_its_fields_with_their_lengths() -> None:
    columns = [pl.Series([1, -2], dtype=pl.Int32), pl.Series(["ö", ""])]
    assert encode_rows(columns, [INT4, WORD]) == (
        b"\0\2\0\0\0\4\0\0\0\1\0\0\0\2\xc3\xb6" + b"\0\2\0\0\0\4\xff\xff\xff\xfe\0\0\0\0"
    )


def test_a_null_has_a_length_of_minus_one() -> None:
    columns = [pl.Series([None, 7], dtype=pl.Int32), pl.Series([None, None], dtype=pl.String)]
    assert encode_rows(columns, [INT4, WORD]) == (
        b"\0\2" + b"\xff" * 8 + b"\0\2\0\0\0\4\0\0\0\7" + b"\xff" * 4
    )


def test_a_part_of_a_longer_column_is_encoded_alone() -> None:
    column = pl.Series(range(10), dtype=pl.Int32)[6:8]
    assert encode_rows([column], [INT4]) == b"\0\1\0\0\0\4\0\0\0\6\0\1\0\0\0\4\0\0\0\7"


@pytest.mark.parametrize("base", ["numeric", "date", "interval", "mood", "bpchar"])
def test_what_is_carried_as_text_is_not_encoded(base: str) -> None:
    assert not can_encode([INT4, field(base, TEXT)])
    assert can_encode([INT4, WORD])


@pytest.mark.parametrize(
    "bases",
    [
        ("int2", "int4", "int8"),
        ("int8", "int8"),
        ("bool", "int8", "int4"),
        ("int4", "text", "int2", "bool", "int8", "text"),
        ("text", "text"),
    ],
    ids=", ".join,
)
def test_numbers_stand_between_values_of_any_length(bases: tuple[str, ...]) -> None:
    columns = [pl.Series(VALUES[base][1], dtype=VALUES[base][2]) for base in bases]
    encoded = encode_rows(columns, [field(base, VALUES[base][0]) for base in bases])
    expected = b""
    for place in range(len(columns[0])):
        expected += len(bases).to_bytes(2, "big")
        for base in bases:
            packed = VALUES[base][3](VALUES[base][1][place])
            expected += len(packed).to_bytes(4, "big") + packed
    assert encoded == expected
