"""Names found by other spellings."""

import pytest

from ingest.catalog.column_names import NameMatcher
from tests.column_names import CASES


@pytest.mark.parametrize(("names", "spelling", "found"), CASES)
def test_a_name_is_found_by_its_spelling(names: list[str], spelling: str, found: list[str]) -> None:
    assert NameMatcher(names).find(spelling) == found


def test_a_name_that_stands_twice_is_ambiguous() -> None:
    assert NameMatcher(["a", "b", "a"]).find("a") == ["a", "a"]


def test_spaces_around_a_name_tell_two_apart() -> None:
    names = NameMatcher([" a", "a", "A "])
    assert names.find(" a") == [" a"]
    assert names.find("A") == ["A "]
