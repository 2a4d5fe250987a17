"""Renamed and removed fields, day by day."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apis.covid.fields.definitions import FieldDefinition
from apis.covid.fields.lifecycle import Lifecycle, Stage

START = datetime(2020, 7, 5, 14, tzinfo=UTC)
CHANGE = datetime(2020, 9, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
OLD, NEW = "cases.cases.cumulative", "cases.total.cumulative"


def definition(field: str, **changes: Any) -> FieldDefinition:
    given: dict[str, Any] = {
        "field": field,
        "name": field,
        "definition": "",
        "unit": "people",
        "source_column": "positive",
        "published_for": None,
        "formerly": [],
        "place": 10,
        "launched_at": START,
        "removed_at": None,
    }
    return FieldDefinition(**given | changes)


def stages(definitions: list[FieldDefinition], now: datetime) -> dict[str, Stage]:
    return {field.name: field.stage for field in Lifecycle(definitions, now).fields}


def steps(definitions: list[FieldDefinition], now: datetime) -> list[tuple[str, str, datetime]]:
    return [(step.kind, step.field, step.at) for step in Lifecycle(definitions, now).list_steps()]


RENAMED = [definition(OLD), definition(NEW, formerly=["positive", OLD], launched_at=CHANGE)]
REMOVED = [definition(OLD, removed_at=CHANGE)]


@pytest.mark.parametrize("day", range(-2, 25))
def test_a_renamed_field_goes_its_way_day_by_day(day: int) -> None:
    old = Stage.REPLACED if 0 <= day < 14 else Stage.FROZEN if 14 <= day < 21 else Stage.GONE
    if day < 0:
        assert stages(RENAMED, CHANGE + day * DAY) == {OLD: Stage.LIVE, NEW: Stage.PLANNED}
    else:
        assert stages(RENAMED, CHANGE + day * DAY) == {OLD: old, NEW: Stage.LIVE}


@pytest.mark.parametrize("day", range(-2, 25))
def test_a_removed_field_goes_its_way_day_by_day(day: int) -> None:
    expected = Stage.LIVE
    if day >= 0:
        expected = Stage.FROZEN if day < 14 else Stage.ZEROED if day < 21 else Stage.GONE
    assert stages(REMOVED, CHANGE + day * DAY) == {OLD: expected}


@pytest.mark.parametrize("weeks", [0, 2, 3])
@pytest.mark.parametrize("definitions", [RENAMED, REMOVED])
def test_a_stage_begins_at_its_moment_and_not_before(
    definitions: list[FieldDefinition], weeks: int
) -> None:
    moment = CHANGE + timedelta(weeks=weeks)
    just_before = Lifecycle(definitions, moment - timedelta(microseconds=1))
    assert just_before.digest != Lifecycle(definitions, moment).digest
    assert Lifecycle(definitions, moment).digest == Lifecycle(definitions, moment + DAY).digest


def test_each_step_of_a_rename_is_told_when_it_is_taken() -> None:
    expected = [
        ("removed", OLD, CHANGE + 21 * DAY),
        ("frozen", OLD, CHANGE + 14 * DAY),
        ("renamed", NEW, CHANGE),
        ("added", OLD, START),
    ]
    assert steps(RENAMED, CHANGE + 21 * DAY) == expected
    assert steps(RENAMED, CHANGE + 20 * DAY) == expected[1:]
    assert steps(RENAMED, CHANGE + 13 * DAY) == expected[2:]
    assert steps(RENAMED, CHANGE - DAY) == expected[3:]


def test_each_step_of_a_removal_is_told_when_it_is_taken() -> None:
    assert steps(REMOVED, CHANGE + 30 * DAY) == [
        ("removed", OLD, CHANGE + 21 * DAY),
        ("zeroed", OLD, CHANGE + 14 * DAY),
        ("removal_announced", OLD, CHANGE),
        ("added", OLD, START),
    ]


def test_a_field_that_is_going_says_since_when_until_when_and_what_follows() -> None:
    old, new = Lifecycle(RENAMED, CHANGE + DAY).fields
    assert (old.deprecated_at, old.sunset_at, old.replaced_by) == (CHANGE, CHANGE + 21 * DAY, NEW)
    assert (new.deprecated_at, new.sunset_at, new.replaced_by) == (None, None, None)


def test_a_field_that_is_renamed_twice_goes_under_each_name() -> None:
    third = "cases.all.cumulative"
    definitions = [
        *RENAMED,
        definition(third, formerly=[OLD, NEW], launched_at=CHANGE + 7 * DAY),
    ]
    assert stages(definitions, CHANGE + 15 * DAY) == {
        OLD: Stage.FROZEN,
        NEW: Stage.REPLACED,
        third: Stage.LIVE,
    }
    assert Lifecycle(definitions, CHANGE + 15 * DAY).fields[0].replaced_by == NEW


def test_a_field_that_gets_its_old_name_back_is_live_under_it() -> None:
    definitions = [
        definition(OLD, formerly=[NEW], launched_at=CHANGE + 7 * DAY),
        definition(NEW, formerly=[OLD], launched_at=CHANGE),
    ]
    assert stages(definitions, CHANGE + 8 * DAY) == {OLD: Stage.LIVE, NEW: Stage.REPLACED}


def test_two_fields_that_name_each_other_and_are_of_one_age_both_stay() -> None:
    definitions = [definition(OLD, formerly=[NEW]), definition(NEW, formerly=[OLD])]
    assert stages(definitions, CHANGE) == {OLD: Stage.LIVE, NEW: Stage.LIVE}


def test_a_former_name_without_a_definition_is_only_a_name() -> None:
    assert steps([definition(OLD, formerly=["positive"])], CHANGE) == [("added", OLD, START)]
