"""backups.binary_rows: columns as COPY's binary format has them."""

import polars as pl
import pytest

from backups.binary_rows import can_encode, encode_rows
from backups.schema import Field
from backups.types import TEXT, TypeAdapter


def field(base: str, adapter: TypeAdapter) -> Field:
    return Field("f", "f", base, base, adapter)


INT4 = field("int4", TypeAdapter(carrier="int"))
WORD = field("text", TEXT)


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
