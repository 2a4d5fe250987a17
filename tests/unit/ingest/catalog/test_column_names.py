"""Names found by other spellings."""

import pytest

from ingest.catalog.column_names import NameMatcher
from tests.column_names import SPELLINGS


@pytest.mark.parametrize(("names", "spelling", "found"), SPELLINGS)
def test_a_name_is_found_by_its_spelling(names: list[str], spelling: str, found: list[str]) -> None:
    assert NameMatcher(names).find(spelling) == found
