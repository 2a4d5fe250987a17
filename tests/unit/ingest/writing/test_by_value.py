"""Rules that the values of one column answer."""

from typing import Any

import pytest
from psycopg.sql import SQL

from ingest.writing.constraints.by_value import Lookup, find_repeated, lookup_statement


@pytest.mark.parametrize(
    ("values", "repeated"),
    [
        ([], []),
        ([None, None, 1, 2], []),
        ([5, None, 7, "5", 7, 8], [(1, 5), (3, 7), (4, 5), (5, 7)]),
        (["-0", 0, "0"], [(1, 0), (2, 0), (3, 0)]),
        ([2**63 - 1, -(2**63), str(2**63 - 1)], [(1, 2**63 - 1), (3, 2**63 - 1)]),
    ],
)
def test_integers_that_stand_twice_are_found(
    values: list[Any], repeated: list[tuple[int, int]]
) -> None:
    assert list(find_repeated(values)) == repeated


@pytest.mark.parametrize("locking", [True, False])
def test_only_what_must_exist_is_locked(locking: bool) -> None:
    lookups = [
        Lookup("p", "integer", SQL("ONLY parent"), "id", must_exist=True),
        Lookup("id", "integer", SQL("ONLY child"), "id", must_exist=False),
    ]
    statement = lookup_statement(lookups, locking=locking).as_string()
    assert statement.count("FOR KEY SHARE") == locking
    assert statement.count('ORDER BY "id" FOR KEY SHARE') == locking
