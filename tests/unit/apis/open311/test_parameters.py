"""A call's parameters as they come in an address."""

from urllib.parse import parse_qsl, urlencode

import pytest
from django.http import HttpRequest
from hypothesis import given
from hypothesis import strategies as st

from apis.open311.errors import BodyInvalid, ParameterInvalid
from apis.open311.parameters import read_parameters


def read(query: str) -> dict[str, object]:
    request = HttpRequest()
    request.method = "GET"
    request.META["QUERY_STRING"] = query
    return dict(read_parameters(request))


@given(st.dictionaries(st.text(min_size=1).filter(lambda name: name != "method"), st.text()))
def test_a_query_is_read_as_it_was_written(values: dict[str, str]) -> None:
    assert read(urlencode(values)) == values


@pytest.mark.parametrize(
    "query", ["", "a", "a=", "=1", "a=1&&b=2&", "a=b=c", "a=%zz%4", "a%20b=%2B+%26", "a=1;b=2"]
)
def test_a_query_of_any_shape_is_read_as_the_standard_library_does(query: str) -> None:
    assert read(query) == dict(parse_qsl(query, keep_blank_values=True))


def test_a_name_given_twice_is_refused_however_it_is_written() -> None:
    with pytest.raises(ParameterInvalid):
        read("ab=1&a%62=1")


@pytest.mark.parametrize("query", ["a=%ff", "%ff=1", "&" * 100])
def test_a_query_that_is_no_text_or_too_long_is_refused(query: str) -> None:
    with pytest.raises(BodyInvalid):
        read(query)
