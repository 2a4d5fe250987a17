"""What would be sent to Citus, and what is refused, without a Citus."""

from collections.abc import Sequence

import pytest

from project.base.config import Distribution
from project.schema.distribution import (
    Key,
    Layout,
    Name,
    Placement,
    Reference,
    TableShape,
    plan_distribution,
)


def reference(target: str, column: str, referenced: str = "") -> Reference:
    schema, _, table = target.partition(".")
    columns, others = tuple(column.split()), tuple((referenced or column).split())
    return Reference(f"{table}_fkey", schema, table, columns, others)


def table(
    name: str, columns: str, *keys: str, refers: Sequence[Reference] = (), part: bool = False
) -> TableShape:
    schema, _, own = name.partition(".")
    made = tuple(Key(f"{own}_key{n}", tuple(key.split())) for n, key in enumerate(keys))
    return TableShape(schema, own, part, tuple(columns.split()), made, tuple(refers))


CITIES = table("base.cities", "city_id", "city_id")
KINDS = table("base.kinds", "kind_id", "kind_id")
DETAILS = table("base.details", "kind_id", refers=[reference("base.kinds", "kind_id")])
TRIPS = table("mobility.trips", "trip_id city_id", "trip_id city_id")
EVENTS = table(
    "mobility.events",
    "event_id trip_id city_id kind_id",
    "event_id city_id",
    refers=[
        reference("mobility.trips", "trip_id city_id"),
        reference("base.details", "kind_id"),
    ],
)


def plan(
    schema: str,
    tables: Sequence[TableShape],
    placed: dict[Name, Placement] | None = None,
    **wanted: Distribution,
) -> list[str]:
    """Return the statements, or the refusals."""
    known = {(one.schema, one.name): one for one in tables}
    found = plan_distribution(schema, Layout(known, placed or {}, wanted))
    assert not (found.moves and found.refusals)
    return found.refusals or [move.statement.as_string() for move in found.moves]


def test_nothing_is_moved_unless_it_is_wanted() -> None:
    assert plan("mobility", [TRIPS], mobility="none") == []
    assert plan("mobility", [TRIPS]) == []


def test_a_schema_moves_with_one_statement() -> None:
    assert plan("mobility", [TRIPS], mobility="schema") == [
        "SELECT citus_schema_distribute('\"mobility\"')"
    ]


def test_a_schema_that_has_moved_stays() -> None:
    placed = {("mobility", "trips"): Placement("schema")}
    assert plan("mobility", [TRIPS], placed, mobility="schema") == []


def test_what_a_schema_refers_to_elsewhere_is_copied_first_and_in_order() -> None:
    tables = [CITIES, KINDS, DETAILS, TRIPS, EVENTS]
    assert plan("mobility", tables, mobility="schema") == [
        'SELECT create_reference_table(\'"base"."kinds"\')',
        'SELECT create_reference_table(\'"base"."details"\')',
        "SELECT citus_schema_distribute('\"mobility\"')",
    ]


def test_a_copied_table_serves_local_ones_only_where_some_refer_to_it() -> None:
    def serving(*tables: TableShape) -> list[bool]:
        known = {(one.schema, one.name): one for one in [KINDS, DETAILS, TRIPS, EVENTS, *tables]}
        found = plan_distribution("mobility", Layout(known, {}, {"mobility": "schema"}))
        return [move.serves_local_tables for move in found.moves[:2]]

    assert serving() == [False, False]
    assert serving(table("base.kept", "kind_id", refers=[reference("base.kinds", "kind_id")])) == [
        True,
        False,
    ]


def test_two_schemas_that_move_must_not_refer_to_each_other() -> None:
    assert plan("mobility", [KINDS, DETAILS, TRIPS, EVENTS], mobility="schema", base="schema") == [
        "mobility.events: details_fkey refers to base.details, which is distributed on its own"
    ]


def test_tables_move_by_their_column_after_what_they_refer_to() -> None:
    wish = {"events": "city_id", "trips": "city_id"}
    assert plan("mobility", [KINDS, DETAILS, TRIPS, EVENTS], mobility=wish) == [
        'SELECT create_reference_table(\'"base"."kinds"\')',
        'SELECT create_reference_table(\'"base"."details"\')',
        "SELECT create_distributed_table('\"mobility\".\"trips\"', 'city_id')",
        "SELECT create_distributed_table('\"mobility\".\"events\"', 'city_id')",
    ]


def test_what_is_done_is_not_done_again() -> None:
    placed = {
        ("base", "kinds"): Placement("reference"),
        ("base", "details"): Placement("reference"),
        ("mobility", "trips"): Placement("distributed", "city_id"),
    }
    wish = {"events": "city_id", "trips": "city_id"}
    assert plan("mobility", [KINDS, DETAILS, TRIPS, EVENTS], placed, mobility=wish) == [
        "SELECT create_distributed_table('\"mobility\".\"events\"', 'city_id')"
    ]


def test_a_table_may_refer_to_itself() -> None:
    tree = table(
        "base.tree", "id up city", "id city", refers=[reference("base.tree", "up city", "id city")]
    )
    moved = "SELECT create_distributed_table('\"base\".\"tree\"', 'city')"
    assert plan("base", [tree], base={"tree": "city"}) == [moved]
    leaf = table("base.leaf", "id", refers=[reference("base.tree", "id")])
    copied = [
        'SELECT create_reference_table(\'"base"."tree"\')',
        "SELECT create_distributed_table('\"base\".\"leaf\"', 'id')",
    ]
    assert plan("base", [tree, leaf], base={"leaf": "id"}) == copied


@pytest.mark.parametrize(
    ("tables", "wish", "reason"),
    [
        (
            [table("base.a", "id city", "id")],
            {"a": "city"},
            "base.a: the key a_key0 (id) lacks city: rows of one key must be on one node, so add "
            "the column to the key or distribute by another",
        ),
        ([CITIES], {"towns": "id"}, "base.towns: there is no such table to distribute"),
        ([CITIES], {"cities": "id"}, "base.cities does not have the column id to distribute it by"),
        (
            [table("base.a_2026", "id", part=True)],
            {"a_2026": "id"},
            "base.a_2026 is a partition: name the table it belongs to",
        ),
        (
            [
                table("base.a", "id city", "id city"),
                table("base.b", "a city", refers=[reference("base.a", "a city", "city id")]),
            ],
            {"a": "city", "b": "city"},
            "base.b: a_fkey refers to base.a, which is distributed by city, which city does not "
            "refer to",
        ),
        (
            [CITIES, table("base.b", "city_id", refers=[reference("base.cities", "city_id")])],
            {"cities": "city_id"},
            "base.b: cities_fkey refers to base.cities, which is to be distributed, and this one "
            "is not",
        ),
    ],
)
def test_what_cannot_be_distributed_is_refused_with_the_reason(
    tables: list[TableShape], wish: dict[str, str], reason: str
) -> None:
    assert plan("base", tables, base=wish) == [reason]


def test_all_reasons_are_told_at_once() -> None:
    tables = [table("base.a", "id city", "id", "city id", "city"), CITIES]
    assert len(plan("base", tables, base={"a": "id", "cities": "x", "b": "y"})) == 3


def test_a_table_that_is_elsewhere_already_is_not_moved_again() -> None:
    placed = {("base", "cities"): Placement("reference")}
    (reason,) = plan("base", [CITIES], placed, base={"cities": "city_id"})
    assert reason.startswith("base.cities is distributed as reference already: move it by hand")
    placed = {("base", "cities"): Placement("distributed", "other")}
    (reason,) = plan("base", [CITIES], placed, base={"cities": "city_id"})
    assert reason.startswith("base.cities is distributed by other already")


def test_a_schema_is_refused_that_others_refer_to() -> None:
    assert plan("base", [KINDS, DETAILS, TRIPS, EVENTS], base="schema") == [
        "mobility.events: details_fkey refers to base.details, which is to be distributed, and "
        "this one is not"
    ]
