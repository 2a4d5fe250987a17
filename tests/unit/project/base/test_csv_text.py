"""CSV text: what is quoted, what is escaped."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from project.base.csv_text import csv_line

FIELDS = st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1)


@given(FIELDS)
def test_a_record_is_read_as_it_was_written(fields: list[str]) -> None:
    source = io.StringIO(csv_line(fields), newline="")
    assert next(csv.reader(source, strict=True)) == fields


def test_null_is_an_empty_field_and_the_empty_string_two_quotes() -> None:
    assert csv_line(["a", None, "", " b"]) == 'a,,""," b"\r\n'


@pytest.mark.parametrize("field", ["=1+1", "+1+1", "-1+1", "@A1", "\tx", "\rx"])
def test_a_formula_is_escaped_only_when_asked(field: str) -> None:
    assert next(csv.reader([csv_line([field])])) == [field]
    assert next(csv.reader([csv_line([field], safe=True)])) == ["'" + field]


@pytest.mark.parametrize("field", ["-5", "+1.5", "-1e10", "a=b", "", None])
def test_numbers_and_plain_texts_are_left_alone(field: str | None) -> None:
    assert csv_line([field], safe=True) == csv_line([field])
