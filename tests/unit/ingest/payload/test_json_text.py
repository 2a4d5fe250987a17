"""What is told of JSON texts without parsing them, and arrays made of JSON."""

import msgspec
import pytest

from ingest.payload.json_text import array_text, count_quotes, has_suspect_escape


def test_scalars_become_an_array() -> None:
    assert array_text([1, None, -2.5, True]) == "{1,null,-2.5,true}"
    assert array_text([msgspec.Raw(b"1.50"), "a", "null", ""]) == '{1.50,"a","null",""}'
    assert array_text([]) == "{}"


def test_brackets_braces_and_commas_stay_inside_strings() -> None:
    assert array_text(["[a],{b}"]) == '{"[a],{b}"}'


def test_quotes_and_backslashes_are_escaped_alike() -> None:
    assert array_text(['a"b', "c\\d"]) == '{"a\\"b","c\\\\d"}'


@pytest.mark.parametrize("text", ["\n", "\t", "\x01", "\\\n"], ids=ascii)
def test_other_escapes_are_not_for_arrays(text: str) -> None:
    assert array_text([text]) is None


@pytest.mark.parametrize(
    ("text", "count"), [(rb'{"a":1}', 2), (rb'{"a":"\""}', 4), (rb'{"a\\":"\\"}', 4)]
)
def test_only_quotes_around_strings_count(text: bytes, count: int) -> None:
    assert count_quotes(text) == count


@pytest.mark.parametrize("text", [rb'"\u0000"', rb'"\ud800"', rb'"\uD83D\uDE00"'])
def test_escapes_of_zero_and_surrogates_are_suspect(text: bytes) -> None:
    assert has_suspect_escape(text)
    assert not has_suspect_escape(rb'"\u00e9"')
