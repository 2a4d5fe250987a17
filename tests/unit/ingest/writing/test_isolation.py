"""Which rows of a batch are kept and which rejected, decided without a database."""

from typing import Any

import msgspec
import pytest

from ingest.catalog.definitions import Check
from ingest.outcome import OnConflict
from ingest.payload.payload import JsonArray
from ingest.validation.fields import Limits, make_fields
from ingest.validation.validator import Validator
from ingest.writing.conflicts import WriteOptions
from ingest.writing.constraints.checks import Violation
from ingest.writing.constraints.rules import INSERTS, Rule, make_rules
from ingest.writing.isolated.isolation import Isolation, UnknownValues
from ingest.writing.sqlstates import skipped_row
from tests.unit.ingest.definitions import make_integer, make_table, make_unique_key

LIMITS = Limits(max_rows=10, max_row_bytes=1000, max_depth=32, max_number_digits=1000)
TABLE = make_table(
    make_integer("id", not_null=True),
    make_integer("code"),
    make_integer("drawn", default="random()"),
    make_integer("twice", generated="code * 2"),
    unique_keys=(make_unique_key("id", primary=True), make_unique_key("code")),
    checks=(
        Check(name="code_small", expression="code < 10", columns=("code",)),
        Check(name="twice_small", expression="twice < 10", columns=("twice",)),
    ),
)
RULES = {(rule.error.code, rule.columns): rule for rule in make_rules(TABLE, INSERTS)}
SAME_ID = RULES["duplicate_in_batch", ("id",)]
SAME_CODE = RULES["duplicate_in_batch", ("code",)]
KNOWN_CODE = RULES["duplicate_key", ("code",)]
CODE_SMALL = RULES["check_violation", ("code",)]
TWICE_SMALL = RULES["check_violation", ("twice",)]


def isolate(rows: list[dict[str, Any]], on_conflict: OnConflict = "reject") -> Isolation:
    """Return the rows of a batch after validation."""
    validator = Validator(TABLE, make_fields(TABLE, LIMITS), LIMITS)
    batch = validator.validate(JsonArray(msgspec.json.encode(rows)), on_conflict)
    key = TABLE.unique_keys[0] if on_conflict == "update" else None
    return Isolation(batch, UnknownValues(TABLE), WriteOptions(on_conflict, key))


def broken(*found: tuple[int, Rule, int | None]) -> dict[int, list[Violation]]:
    """Return violations, each of a row, of a rule, with the group of rows of the same key."""
    violations: dict[int, list[Violation]] = {}
    for place, rule, group in found:
        violations.setdefault(place, []).append(Violation(place + 1, rule, group))
    return violations


def told(isolation: Isolation) -> dict[int, list[tuple[str, int | None]]]:
    """Return the errors of the rejected rows: their codes and the rows that have their keys."""
    return {
        each.index: [(error.code, error.first_index) for error in each.errors]
        for each in isolation.rejections()
    }


def test_the_first_row_keeps_a_key() -> None:
    isolation = isolate([{"id": 1}, {"id": 1}, {"id": 2}, {"id": 1}])
    rejected = isolation.reject_broken(broken((0, SAME_ID, 1), (1, SAME_ID, 1), (3, SAME_ID, 1)))
    assert (rejected, isolation.candidates) == (2, {0, 2})
    assert told(isolation) == {
        1: [("duplicate_in_batch", 0)],
        3: [("duplicate_in_batch", 0)],
    }


def test_a_row_that_is_rejected_for_another_reason_keeps_no_key() -> None:
    isolation = isolate([{"id": 1, "code": 11}, {"id": 1}])
    isolation.reject_broken(broken((0, SAME_ID, 1), (0, CODE_SMALL, None), (1, SAME_ID, 1)))
    assert told(isolation) == {0: [("check_violation", None)]}
    assert isolation.candidates == {1}


def test_a_row_has_all_its_errors() -> None:
    isolation = isolate([{"id": 1, "code": 5}, {"id": 1, "code": 5}])
    isolation.reject_broken(
        broken(
            (0, SAME_ID, 1),
            (1, SAME_ID, 1),
            (0, SAME_CODE, 5),
            (1, SAME_CODE, 5),
            (1, KNOWN_CODE, None),
        )
    )
    assert told(isolation)[1] == [
        ("duplicate_in_batch", 0),
        ("duplicate_in_batch", 0),
        ("duplicate_key", None),
    ]


def test_the_constraints_that_a_bad_value_does_not_touch_are_told_too() -> None:
    isolation = isolate([{"id": "x", "code": 11}])
    assert isolation.find_readable([0]) == [0]
    isolation.reject_broken(broken((0, SAME_ID, None), (0, CODE_SMALL, None)))
    assert told(isolation) == {0: [("not_integer", None), ("check_violation", None)]}
    isolation.complete_errors([0])
    assert isolation.find_readable([0]) == []  # its errors are complete


def test_what_is_computed_from_a_bad_value_is_not_unjudged() -> None:
    isolation = isolate([{"id": 1, "code": "x"}])
    isolation.reject_broken(broken((0, TWICE_SMALL, None), (0, CODE_SMALL, None)))
    assert told(isolation) == {0: [("not_integer", None)]}


@pytest.mark.parametrize(("on_conflict", "is_kept"), [("reject", False), ("update", True)])
def test_an_update_is_not_judged_by_columns_that_it_leaves_alone(
    on_conflict: OnConflict, is_kept: bool
) -> None:
    isolation = isolate([{"id": 1}], on_conflict)
    isolation.reject_broken(broken((0, KNOWN_CODE, None)))
    assert (isolation.candidates == {0}) == is_kept


def test_a_row_whose_key_another_had_is_readmitted_when_that_one_is_refused() -> None:
    isolation = isolate([{"id": 1}, {"id": 1}, {"id": 2, "code": 11}])
    isolation.reject_broken(broken((0, SAME_ID, 1), (1, SAME_ID, 1), (2, CODE_SMALL, None)))
    isolation.refuse(0, [skipped_row()])
    assert isolation.readmit_duplicates()
    assert (isolation.candidates, list(told(isolation))) == ({1}, [0, 2])
    assert not isolation.readmit_duplicates()


def test_keys_are_left_alone_until_they_are_given() -> None:
    isolation = isolate([{"id": 1}, {"id": 1}, {"id": 1, "code": 11}])
    found = broken((0, SAME_ID, 1), (1, SAME_ID, 1), (2, SAME_ID, 1), (2, CODE_SMALL, None))
    assert isolation.reject_broken(found, keys_are_given=False) == 1
    assert told(isolation) == {2: [("check_violation", None)]}
    assert isolation.candidates == {0, 1}
    assert isolation.find_readable([0, 1, 2]) == [0, 1, 2]
    isolation.reject_broken(found)
    assert told(isolation) == {
        1: [("duplicate_in_batch", 0)],
        2: [("check_violation", None), ("duplicate_in_batch", 0)],
    }


@pytest.mark.parametrize(
    ("brought", "bad", "uncertain"),
    [
        ({"id", "code", "drawn"}, set(), set()),
        ({"id", "code"}, set(), {"drawn", "twice"}),
        ({"id", "drawn"}, {"code"}, {"code", "twice"}),
    ],
)
def test_a_value_is_uncertain_where_nobody_knows_what_is_stored(
    brought: set[str], bad: set[str], uncertain: set[str]
) -> None:
    assert UnknownValues(TABLE).find_uncertain(brought, bad) == uncertain
