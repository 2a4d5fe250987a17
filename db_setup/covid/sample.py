"""Deterministic sample rows: three waves of a sickness in eight states."""

import json
import math
import random
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

Row = dict[str, Any]

DEFINITIONS = Path(__file__).with_name("field_definitions.json")
FIRST_DAY = date(2020, 3, 1)
DAYS = 150
BAD_EVERY = 191  # one row in so many cannot be stored, each for another reason
PEAKS = (35, 80, 130)  # days on which a wave is highest

# Code, name, FIPS code, population, unit and name of the preferred total of tests.
STATES = (
    ("CA", "California", "06", 39_148_760, "Specimens", "totalTestsViral"),
    ("CO", "Colorado", "08", 5_531_141, "Encounters", "totalTestEncountersViral"),
    ("MN", "Minnesota", "27", 5_527_358, "Encounters", "totalTestEncountersViral"),
    ("NM", "New Mexico", "35", 2_092_434, "Specimens", "totalTestsViral"),
    ("NY", "New York", "36", 19_618_453, "Encounters", "totalTestEncountersViral"),
    ("OR", "Oregon", "41", 4_081_943, "People", "totalTestsPeopleViral"),
    ("VT", "Vermont", "50", 624_977, "People", "totalTestsPeopleViral"),
    ("WY", "Wyoming", "56", 581_836, "People", "posNeg"),
)
NATION = 328_239_523
SUMMED = (
    *("positive", "negative", "death", "recovered", "hospitalized_currently"),
    *("total_test_results", "positive_increase", "negative_increase", "death_increase"),
    "total_test_results_increase",
)


def rows(seed: int) -> Iterator[tuple[str, Row]]:
    """Yield (table, row) so that a row comes after the rows it refers to."""
    for code, name, fips, _, unit, field in STATES:
        yield (
            "states",
            {
                "state": code,
                "name": name,
                "fips": fips,
                "preferred_total_test_units": unit,
                "preferred_total_test_field": field,
                "notes": f"Invented figures; {name} had others.",
            },
        )
    for code, _, _, population, _, _ in STATES:
        yield "population", {"area": code, "population": population}
    yield "population", {"area": "US", "population": NATION}
    for definition in json.loads(DEFINITIONS.read_text(encoding="utf-8")):
        yield "field_definitions", definition
    yield (
        "changes",
        {
            "change_id": "first-release",
            "changed_at": "2020-07-05T14:00:00Z",
            "title": "The first release of version 2",
            "description": "Fields are nested as category.field and may be renamed.",
        },
    )
    daily = list(_daily(seed))
    for number, row in enumerate(daily, 1):
        turn = number // BAD_EVERY
        yield "states_daily", _spoil(row, turn) if number % BAD_EVERY == 0 else row
    for day in sorted({row["date"] for row in daily}):
        yield "us_daily", _sum_up(day, [row for row in daily if row["date"] == day])


def _daily(seed: int) -> Iterator[Row]:
    chance = random.Random(seed)  # noqa: S311 - sample data, not a secret
    for code, _, _, population, _, field in STATES:
        levels = dict.fromkeys(("positive", "negative", "death", "recovered"), 0)
        for day in range(DAYS):
            wave = sum(math.exp(-(((day - peak) / 12) ** 2)) for peak in PEAKS)
            cases = int(population * wave * chance.uniform(0.7, 1.3) / 12_000)
            new = {
                "positive": cases,
                "negative": int(cases * chance.uniform(8, 14) + population / 40_000),
                "death": int(cases * chance.uniform(0.01, 0.03)),
                "recovered": int(cases * 0.6),
            }
            levels = {name: levels[name] + count for name, count in new.items()}
            tests = levels["positive"] + levels["negative"]
            row: Row = {
                "date": (FIRST_DAY + timedelta(days=day)).isoformat(),
                "state": code,
                **levels,
                "hospitalized_currently": int(cases * 0.4),
                "total_test_results": tests,
                "positive_increase": new["positive"],
                "negative_increase": new["negative"],
                "death_increase": new["death"],
                "total_test_results_increase": new["positive"] + new["negative"],
            }
            column = _COLUMNS.get(field)
            yield row | ({column: tests} if column and day >= 10 else {})


_COLUMNS = {
    "totalTestsViral": "total_tests_viral",
    "totalTestEncountersViral": "total_test_encounters_viral",
    "totalTestsPeopleViral": "total_tests_people_viral",
}


def _sum_up(day: str, reported: list[Row]) -> Row:
    sums = {name: sum(row[name] for row in reported) for name in SUMMED}
    return {"date": day, "states": len(reported), **sums}


def _spoil(row: Row, turn: int) -> Row:
    changes: tuple[Row, ...] = (
        {"state": "Calif."},
        {"date": "2020-02-30"},
        {"death": -5},
        {"positive": "many"},
        {"state": ""},
    )
    return row | changes[turn % len(changes)]
