"""Some fields instead of all, by their names and their former names."""

import json
from typing import Any

import pytest

from apis.covid.answers.selection import Notice, select_fields
from apis.covid.errors import FieldUnknown
from apis.covid.fields.documents import PublishedField

LAUNCH, CHANGE, END = "2020-07-05T14:00:00Z", "2020-09-01T12:00:00Z", "2020-09-22T12:00:00Z"


def published(field: str, **changes: Any) -> PublishedField:
    given: dict[str, Any] = {
        "field": field,
        "name": field,
        "definition": "",
        "unit": None,
        "deprecated": False,
        "formerly": [],
        "status": "live",
        "published_for": ["states"],
        "launched_at": LAUNCH,
        "deprecated_at": None,
        "sunset": None,
        "replaced_by": None,
        "download": None,
    }
    return PublishedField(**given | changes)


GOING = {"deprecated": True, "deprecated_at": CHANGE, "sunset": END}
FIELDS = [
    published("cases.cases.current", formerly=["positiveIncrease"]),
    published("cases.cases.cumulative", formerly=["positive"]),
    published("tests.viral.cumulative", formerly=["tests.pcr.cumulative"]),
    published(
        "tests.pcr.cumulative", status="replaced", replaced_by="tests.viral.cumulative", **GOING
    ),
    published(
        "tests.swab.cumulative",
        status="gone",
        replaced_by="tests.pcr.cumulative",
        **GOING | {"published_for": []},
    ),
    published("tests.old.cumulative", status="gone", **GOING | {"published_for": []}),
    published("tests.total_test_results"),
    published("us_only.us_only.current", published_for=["us"]),
]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("cases", {"cases.cases.current", "cases.cases.cumulative"}),
        ("cases.cases", {"cases.cases.current", "cases.cases.cumulative"}),
        ("cases.cases.current", {"cases.cases.current"}),
        ("tests.total_test_results", {"tests.total_test_results"}),
        (
            "cases.cases.current, tests.viral",
            {"cases.cases.current", "tests.viral.cumulative"},
        ),
    ],
)
def test_a_name_or_its_beginning_selects(text: str, names: set[str]) -> None:
    selection = select_fields(text, FIELDS, "states")
    assert selection.names == names
    assert selection.notices == []


def test_a_name_that_is_going_is_told_of() -> None:
    selection = select_fields("tests.pcr", FIELDS, "states")
    assert selection.names == {"tests.pcr.cumulative"}
    assert selection.notices == [Notice("tests.pcr", CHANGE, END)]
    assert selection.successors == ["tests.viral.cumulative"]


def test_a_name_that_is_gone_selects_what_it_is_called_now() -> None:
    selection = select_fields("tests.swab.cumulative,cases", FIELDS, "states")
    assert "tests.pcr.cumulative" in selection.names
    assert selection.notices == [Notice("tests.swab.cumulative", CHANGE, END)]
    assert selection.successors[1:] == ["cases"]


def test_a_name_of_the_first_version_selects_its_successor() -> None:
    selection = select_fields("positive", FIELDS, "states")
    assert selection.names == {"cases.cases.cumulative"}
    assert selection.notices == [Notice("positive", LAUNCH, LAUNCH)]
    assert selection.successors == ["cases.cases.cumulative"]


@pytest.mark.parametrize(
    "text", ["", "case", "cases.", "nothing", "tests.old.cumulative", ",cases"]
)
def test_refuses_a_name_that_nothing_has(text: str) -> None:
    with pytest.raises(FieldUnknown):
        select_fields(text, FIELDS, "states")


def test_the_nation_has_its_own_fields() -> None:
    assert select_fields("us_only", FIELDS, "us").names == {"us_only.us_only.current"}
    with pytest.raises(FieldUnknown, match="for us"):
        select_fields("cases", FIELDS, "us")


def test_rows_keep_what_was_selected_and_whose_they_are() -> None:
    row = {
        "state": "CA",
        "date": "2020-04-05T00:00:00Z",
        "meta": {"last_update": "2020-04-06T05:00:00Z"},
        "cases": {"cases": {"current": {"value": 1.50}, "cumulative": {"value": 2}}},
        "tests": {"viral": {"cumulative": 7}, "total_test_results": {"complete_field": None}},
    }
    selection = select_fields("cases.cases.current", FIELDS, "states")
    text = json.dumps(row)
    found = json.loads(b"[%b]" % selection.filter_rows(f"{text},{text}".encode()))
    kept = {name: row[name] for name in ("state", "date", "meta")}
    assert found == [kept | {"cases": {"cases": {"current": {"value": 1.5}}}}] * 2
    both = select_fields("cases,tests.total_test_results", FIELDS, "states")
    assert json.loads(both.filter_rows(text.encode())) == row | {
        "tests": {"total_test_results": {"complete_field": None}}
    }
