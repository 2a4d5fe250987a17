"""The JSON of rows."""

import json
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from apis.covid.errors import DefinitionsConflict
from apis.covid.fields.templates import RowTemplate, format_timestamp, read_figures, write_head

NAMES = {
    0: "cases.cases.current",
    1: "cases.cases.cumulative",
    4: "tests.total_test_results",
    5: "tests.viral.cumulative",
    6: "cases.late.cumulative",
}
FIGURE = '{"value":12,"computed":{"population_percent":0.5}}'
CHOICE = '{"complete_field":"tests.viral","preferred_field":"tests.viral"}'
LEVEL = {"population_percent": None, "change_from_prior_day": None, "change_7_day_percent": None}


def test_a_nested_row_has_every_field_and_nulls_where_there_is_nothing() -> None:
    row = RowTemplate(NAMES, "nested").write('{"state":"CA"', {1: FIGURE, 4: CHOICE, 9: "?"})
    assert json.loads(row) == {
        "state": "CA",
        "cases": {
            "cases": {
                "current": {"value": None, "computed": {"average_7_day": None, **LEVEL}},
                "cumulative": json.loads(FIGURE),
            },
            "late": {"cumulative": {"value": None, "computed": LEVEL}},
        },
        "tests": {
            "total_test_results": json.loads(CHOICE),
            "viral": {"cumulative": {"value": None, "computed": LEVEL}},
        },
    }


def test_a_simple_row_has_values_only() -> None:
    template = RowTemplate(NAMES, "simple")
    row = template.write('{"state":"CA"', {1: FIGURE, 4: CHOICE})
    assert row == (
        '{"state":"CA","cases":{"cases":{"current":null,"cumulative":12},'
        '"late":{"cumulative":null}},'
        f'"tests":{{"total_test_results":{CHOICE},"viral":{{"cumulative":null}}}}}}'
    )
    # A template is used again and again.
    assert json.loads(template.write('{"x":1', {}))["cases"]["cases"]["cumulative"] is None


@pytest.mark.parametrize("form", ["nested", "simple"])
def test_without_fields_a_row_is_its_head(form: str) -> None:
    assert RowTemplate({}, form).write('{"a":1', {}) == '{"a":1}'  # type: ignore[arg-type]


def test_a_name_cannot_be_a_figure_and_the_beginning_of_others() -> None:
    with pytest.raises(DefinitionsConflict, match=r"tests\.viral "):
        RowTemplate({0: "tests.viral", 1: "tests.viral.current"}, "nested")


def test_figures_come_a_line_each() -> None:
    assert read_figures(f"0:{FIGURE}\n12:x") == {0: FIGURE, 12: "x"}
    assert read_figures(None) == {}


def test_the_head_says_whose_row_it_is_and_when_it_changed() -> None:
    moment = datetime(2020, 4, 6, 7, 0, 0, 5, tzinfo=timezone(timedelta(hours=2)))
    head = write_head("CA", date(2020, 4, 5), moment, None) + "}"
    assert json.loads(head) == {
        "state": "CA",
        "date": "2020-04-05T00:00:00Z",
        "meta": {"last_update": "2020-04-06T05:00:00Z"},
    }
    nation = json.loads(write_head("US", date(2020, 4, 5), moment, 56) + "}")
    assert ("state" in nation, nation["states"]) == (False, 56)
    assert format_timestamp(datetime(2020, 4, 6, tzinfo=UTC)) == "2020-04-06T00:00:00Z"
