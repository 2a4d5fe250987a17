import pytest

from ingest.loaders.socrata.restriction import Condition, RestrictionInvalid, read_restriction


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        (" agency = 'NYPD' ", [Condition("agency", "=", ("NYPD",))]),
        ("city<>'O''Neill'", [Condition("city", "!=", ("O'Neill",))]),
        (
            "agency IN ('DOT', 'DEP') and city is not NULL",
            [Condition("agency", "in", ("DOT", "DEP")), Condition("city", "is not null")],
        ),
        ("Borough not in ('X')", [Condition("borough", "not in", ("X",))]),
        ("city is null", [Condition("city", "is null")]),
        ("status >= 'C'", [Condition("status", ">=", ("C",))]),
    ],
)
def test_reads_simple_conditions_joined_by_and(text: str, conditions: list[Condition]) -> None:
    assert list(read_restriction(text)) == conditions


@pytest.mark.parametrize(
    "text",
    [
        "",
        "agency",
        "agency =",
        "agency = NYPD",
        "agency = 'NYPD",
        "agency = 'a' OR agency = 'b'",
        "agency = 'a'; DROP TABLE x",
        "upper(agency) = 'A'",
        "agency IN ()",
        "agency IN ('a' 'b')",
        "agency IS 'a'",
        "1 = 1",
        "agency = 'a' --",
        "agency like 'a'",
    ],
)
def test_refuses_everything_else(text: str) -> None:
    with pytest.raises(RestrictionInvalid):
        read_restriction(text)


def test_takes_conditions_as_they_are_and_none_as_none() -> None:
    conditions = [Condition("agency", "=", ("NYPD",))]
    assert list(read_restriction(conditions)) == conditions
    assert read_restriction(None) == ()


def test_writes_soql_with_quoted_values() -> None:
    assert Condition("city", "=", ("O'Neill",)).as_soql() == "city = 'O''Neill'"
    assert Condition("city", "in", ("a", "b'")).as_soql() == "city in ('a', 'b''')"
    assert Condition("city", "is not null").as_soql() == "city is not null"


@pytest.mark.parametrize(
    ("field", "operator", "values"),
    [("a b", "=", ("x",)), ("a", "=", ()), ("a", "in", ()), ("a", "is null", ("x",))],
)
def test_a_condition_that_makes_no_sense_cannot_be_made(
    field: str, operator: str, values: tuple[str, ...]
) -> None:
    with pytest.raises(RestrictionInvalid):
        Condition(field, operator, values)  # type: ignore[arg-type]
