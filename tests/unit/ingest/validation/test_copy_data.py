"""Rows as COPY data: what PostgreSQL's CSV reader makes of them is what was sent."""

import msgspec
import pytest

from ingest.validation.copy_data import json_lines_as_csv


def lines_of(*rows: list[object]) -> bytes:
    return msgspec.json.Encoder().encode_lines(rows)


def copied(*rows: list[object]) -> bytes | None:
    data = json_lines_as_csv(lines_of(*rows))
    return b"".join(data.cut(1000)) if data else None


def test_rows_lose_their_brackets() -> None:
    assert copied([1, "a", None], [2, "b", True]) == b'1,"a",null\n2,"b",true\n'


def test_brackets_inside_strings_stay() -> None:
    assert copied(["[a]"], ["],["]) == b'"[a]"\n"],["\n'


def test_escaped_quotes_and_backslashes_are_left_to_copy() -> None:
    assert copied(['a"b', "c\\d"]) == b'"a\\"b","c\\\\d"\n'


@pytest.mark.parametrize("text", ["\n", "\t", "\x01", "\\\n"], ids=ascii)
def test_other_escapes_are_not_for_copy(text: str) -> None:
    assert copied([text]) is None
