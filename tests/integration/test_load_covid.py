"""manage.py load with the COVID Tracking Project's own files, an earlier release first."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.management.commands.load import Command
from tests.covid import DATA, DEFINITIONS, EARLIER, FINAL, MAPPINGS, load_arguments, stored
from tests.needs import need

Load = Callable[..., int]


@pytest.fixture
def load(server: str, api_key: Callable[..., str]) -> Load:
    """Return a function that loads a file and returns the exit code."""
    need(DATA.exists(), f"the data in {DATA} is not there")
    key = api_key("ingest", "read")

    def run(table: str, path: Path, *options: str) -> int:
        try:
            Command().run_from_argv(load_arguments(table, path, server, key, *options))
        except SystemExit as error:
            return int(error.code or 0)
        return 0

    return run


def mapping(name: str) -> tuple[str, str]:
    return "--mapping", str(MAPPINGS / f"{name}.yml")


def test_a_later_release_changes_the_rows_that_differ(load: Load) -> None:
    assert load("states", DATA / "states_info.json", *mapping("states_info")) == 0
    options = ["--on-conflict", "update", *mapping("states_daily")]
    assert load("states_daily", EARLIER, *options) == 0
    before = stored("SELECT state, date, last_update FROM covid.states_daily")
    assert len(before) == 16_763
    assert load("states_daily", FINAL, *options) == 0
    assert stored("SELECT count(*)::int FROM covid.states_daily") == [(20_780,)]
    assert stored(
        "SELECT sum(inserted)::int, sum(updated)::int, sum(ignored)::int, sum(rejected)::int"
        " FROM service.batch WHERE id IN (SELECT id FROM service.batch"
        " WHERE table_name = 'covid.states_daily' ORDER BY id DESC LIMIT 21)"
    ) == [(4_017, 10_473, 6_290, 0)]
    first = {(state, day): moment for state, day, moment in before}
    after = stored("SELECT state, date, last_update FROM covid.states_daily")
    moved = sum(first.get((state, day), moment) != moment for state, day, moment in after)
    assert moved == 10_473


def test_metadata_population_and_the_nation_s_days(load: Load) -> None:
    assert load("states", DATA / "states_info.json", *mapping("states_info")) == 0
    names = mapping("population_states")
    assert load("population", DATA / "census_population_state.json", *names) == 0
    options = [*mapping("population_us"), "--format", "ndjson"]
    assert load("population", DATA / "census_population_us.json", *options) == 0
    assert load("us_daily", DATA / "us_daily.json", *mapping("us_daily")) == 0
    assert load("field_definitions", DEFINITIONS) == 0
    assert load("field_definitions", DEFINITIONS, "--on-conflict", "update") == 0
    assert stored("SELECT count(*)::int, sum(population)::bigint FROM covid.population") == [
        (57, 654_911_614)
    ]
    assert stored("SELECT name, slug, fips, pum FROM covid.states WHERE state = 'DC'") == [
        ("District of Columbia", "district-of-columbia", "11", False)
    ]
    assert stored(
        "SELECT count(*)::int, min(date)::text, max(date)::text, max(positive) FROM covid.us_daily"
    ) == [(420, "2020-01-13", "2021-03-07", 28_756_489)]
    assert stored("SELECT count(*)::int FROM covid.field_definitions") == [(40,)]
