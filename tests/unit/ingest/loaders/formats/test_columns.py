"""The meaning of --columns."""

import pytest

from ingest.loaders.formats.columns import ColumnNames, ColumnsInvalid, name_columns, parse_columns


def test_plain_names_are_columns_in_order() -> None:
    assert parse_columns("a, b,c") == ColumnNames(ordered=("a", "b", "c"))


def test_pairs_rename_fields_and_may_leave_them_out() -> None:
    text = 'Unique Key=unique_key,"a=b, c =d",x='
    assert parse_columns(text).renamed == {"Unique Key": "unique_key", "a=b, c": "d", "x": ""}


def test_a_place_without_a_name_is_left_out() -> None:
    names = parse_columns("a,,b")
    assert names == ColumnNames(ordered=("a", "", "b"))
    assert name_columns(["x", "", "x"], names) == ["a", "", "b"]


@pytest.mark.parametrize("text", ["a,b=c", ","])
def test_a_mixture_is_refused(text: str) -> None:
    with pytest.raises(ColumnsInvalid):
        parse_columns(text)


def test_a_field_is_found_exactly_or_as_the_service_compares_headers() -> None:
    names = ColumnNames(renamed={"unique key": "x", "B_B": "y"})
    assert name_columns([" Unique_Key ", "B_B", "bb"], names) == ["x", "y", "bb"]


def test_a_name_that_several_fields_have_is_refused() -> None:
    with pytest.raises(ColumnsInvalid, match="no single field 'a b': it could be any of A B, a_b"):
        name_columns(["A B", "a_b"], ColumnNames(renamed={"a b": "x"}))
