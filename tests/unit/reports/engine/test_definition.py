"""reports.engine.definition: the header and the SELECT of an .sql file."""

import pytest
from django.conf import settings

from project.base.config import ReportOverride
from reports.engine.definition import Definition, parse_definition, read_definition
from reports.engine.registry import override
from reports.errors import DefinitionInvalid

TEXT = """\
-- title: Counts
-- description: How many
-- sources: [hiring.jobs]
-- columns:
--   n: {caption: Number}
-- order: [n desc]
-- parameters:
--   year: {value: 2021}
-- schedule: "*/5 * * * *"

-- Why it counts.
SELECT count(*) AS n FROM hiring.jobs WHERE job_id < %(year)s;
"""


def test_reads_the_header_and_the_select() -> None:
    definition = parse_definition("counts", TEXT)
    assert definition.header.title == "Counts"
    assert definition.parameters == {"year": 2021}
    assert definition.schedule == "*/5 * * * *"
    assert definition.query == (
        "-- Why it counts.\nSELECT count(*) AS n FROM hiring.jobs WHERE job_id < %(year)s"
    )


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("title: Counts", "titel: Counts", "unknown field `titel`"),
        ("-- description: How many\n", "", "missing required field `description`"),
        ("hiring.jobs]", "jobs; drop]", r"\$.sources"),
        ("[n desc]", "[m]", "m is not among the columns"),
        ("{value: 2021}", "{value: [1]}", r"parameters.*value"),
        ("*/5 * * * *", "*/5 * * * 1", "by name"),
        ("caption: Number", "caption: Number, rolle: x", "unknown field `rolle`"),
    ],
)
def test_refuses_a_bad_header_and_says_where(old: str, new: str, reason: str) -> None:
    with pytest.raises(DefinitionInvalid, match=reason):
        parse_definition("counts", TEXT.replace(old, new))


@pytest.mark.parametrize(
    ("chart", "reason"),
    [
        ("{kind: pie, category: n, values: [n]}", "kind"),
        ("{kind: bars, category: m, values: [n]}", "m is not among the columns"),
        ("{kind: bars, category: n, values: [n], by: n}", "only lines have by and weight"),
        ("{kind: lines, category: n, values: [n], by: m}", "m is not among the columns"),
        ("{kind: lines, category: n, values: [n, n], by: n}", "by a column have one value"),
        (
            "{kind: lines, category: n, values: [n], line: {caption: M, column: m}}",
            "no line across",
        ),
    ],
)
def test_refuses_a_chart_that_cannot_be_drawn(chart: str, reason: str) -> None:
    with pytest.raises(DefinitionInvalid, match=reason):
        parse_definition("counts", f"-- chart: {chart}\n{TEXT}")


@pytest.mark.parametrize("name", ["report_status", "x_history", "X", "a-b", "a" * 51, "1x"])
def test_refuses_a_name_that_is_no_table_of_its_own(name: str) -> None:
    with pytest.raises(DefinitionInvalid, match="name"):
        parse_definition(name, TEXT)


def test_refuses_a_file_without_a_select() -> None:
    with pytest.raises(DefinitionInvalid, match="no SELECT"):
        parse_definition("counts", TEXT.partition("\n\n")[0])


def test_the_settings_change_parameters_and_schedule() -> None:
    definition = parse_definition("counts", TEXT)
    changed = override(definition, ReportOverride(parameters={"year": 2022}, schedule=None))
    assert changed.parameters == {"year": 2022}
    assert changed.schedule is None
    assert override(definition, ReportOverride()).schedule == "*/5 * * * *"


@pytest.mark.parametrize("parameters", [{"year": "2022"}, {"year": True}, {"yaer": 2022}])
def test_refuses_parameters_that_the_report_does_not_have(parameters: dict[str, object]) -> None:
    definition = parse_definition("counts", TEXT)
    changes = ReportOverride(parameters=parameters)  # type: ignore[arg-type]
    with pytest.raises(DefinitionInvalid, match=r"rest_conf.yml: reports.definitions.counts"):
        override(definition, changes)


def test_the_digest_changes_with_what_decides_the_rows() -> None:
    def digest(text: str, **parameters: int) -> str:
        definition: Definition = parse_definition("counts", text)
        return override(definition, ReportOverride(parameters=dict(parameters))).digest

    same = digest(TEXT)
    assert digest(TEXT) == same
    assert digest(TEXT, year=2022) != same
    assert digest(TEXT.replace("<", ">")) != same


def test_every_definition_of_the_project_is_valid() -> None:
    paths = list(settings.REPORTS_DIR.iterdir())
    assert {"hires_by_quarter", "departments_above_mean"} <= {path.stem for path in paths}
    for path in paths:
        assert read_definition(path).header.schedule is not None
