"""Which of a state's totals of tests to use (RFC, "Field Disambiguation").

It names the most complete series and the preferred one.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec
from psycopg import Connection

from apis.covid.fields.definitions import OLD_TOTALS
from apis.covid.fields.lifecycle import Field, Stage
from project.base.sql_files import read_sql

SERIES_LENGTHS = read_sql(Path(__file__).parent / "sql" / "series_lengths.sql")

# The columns of totals, by what the states' metadata calls them.
TOTALS = OLD_TOTALS | {
    "totalTestsViral": "total_tests_viral",
    "totalTestEncountersViral": "total_test_encounters_viral",
    "totalTestsPeopleViral": "total_tests_people_viral",
}
# A preferred series must be longer than this.
ENOUGH_DAYS = 120


def find_choices(connection: Connection, published: Sequence[Field]) -> dict[str, str]:
    """Return each state's choice as JSON; fields are named without `cumulative`."""
    names = {
        str(field.definition.source_column): field.name
        for field in published
        if field.name.endswith(".cumulative")
        and field.definition.source_column in TOTALS.values()
        and field.stage is Stage.LIVE
    }
    lengths: dict[str, dict[str, int]] = {}
    rows = connection.execute(SERIES_LENGTHS, {"names": list(names.values())})
    for state, name, days in rows:
        lengths.setdefault(state, {})[name] = days
    preferences = connection.execute("SELECT state, preferred_total_test_field FROM covid.states")
    return {
        state: _choose(lengths.get(state, {}), names.get(TOTALS.get(preferred or "", "")))
        for state, preferred in preferences
    }


def _choose(lengths: dict[str, int], preferred: str | None) -> str:
    """Return the object in place of a value, as JSON."""
    complete = max(lengths, key=lambda name: (lengths[name], name == preferred, name), default=None)
    is_long = preferred is not None and lengths.get(preferred, 0) > ENOUGH_DAYS
    choice = {
        "complete_field": _without_kind(complete),
        "preferred_field": _without_kind(preferred if is_long else complete),
    }
    return msgspec.json.encode(choice).decode()


def _without_kind(name: str | None) -> str | None:
    return name.removesuffix(".cumulative") if name else None
