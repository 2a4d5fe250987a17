"""Deterministic sample rows: invented departments, jobs and the people hired in 2020-2022."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

Row = dict[str, Any]

EMPLOYEES = 2000
BAD_EVERY = 97  # one employee in so many cannot be stored, each for another reason
FIRST_DAY = datetime(2020, 1, 1, tzinfo=UTC)
MINUTES = 3 * 365 * 24 * 60

DEPARTMENTS = (
    *("Libraries", "Parks and Trails", "Water and Sewer", "Street Maintenance", "Public Health"),
    *("Housing", "Fire and Rescue", "Permits and Inspections", "Finance", "Elections", "Transit"),
    "Information Services",
)
FIELDS = (
    *("Archive", "Budget", "Building", "Customer", "Data", "Environmental", "Field", "Fleet"),
    *("Grants", "Records", "Safety", "Signal"),
)
RANKS = ("Assistant", "Specialist", "Analyst", "Supervisor", "Coordinator")
GIVEN_NAMES = (
    *("Amara", "Bruno", "Chiara", "Dmitri", "Elif", "Farid", "Greta", "Hiro", "Imani", "Joaquín"),
    *("Kaisa", "Luis", "Maren", "Noor", "Oskar", "Priya", "Quentin", "Rosa", "Søren", "Tala"),
)
FAMILY_NAMES = (
    *("Abara", "Bergström", "Castillo", "Dubois", "Eriksen", "Fontana", "Grünwald", "Haddad"),
    *("Ito", "Jansen", "Kowalski", "Lindqvist", "Moreau", "Nakamura", "Okafor", "Peña", "Quist"),
    *("Rahman", "Sato", "Tanaka"),
)


def rows(seed: int) -> Iterator[tuple[str, Row]]:
    """Yield (table, row) so that a row comes after the rows it refers to."""
    jobs = [f"{field} {rank}" for field in FIELDS for rank in RANKS]
    for number, name in enumerate(DEPARTMENTS, 1):
        yield "departments", {"department_id": number, "department_name": name}
    for number, name in enumerate(jobs, 1):
        yield "jobs", {"job_id": number, "job_name": name}
    chance = random.Random(seed)  # noqa: S311 - sample data, not a secret
    for number in range(1, EMPLOYEES + 1):
        row = _employee(chance, number, len(jobs))
        yield "employees", _spoil(row, number // BAD_EVERY) if number % BAD_EVERY == 0 else row


def _employee(chance: random.Random, number: int, jobs: int) -> Row:
    hired = FIRST_DAY + timedelta(minutes=chance.randrange(MINUTES))
    # Departments and jobs of a low number hire more, as in a real city some do.
    return {
        "employee_id": number,
        "employee_name": f"{chance.choice(GIVEN_NAMES)} {chance.choice(FAMILY_NAMES)}",
        "hire_date": hired.isoformat(),
        "department_id": 1 + int(len(DEPARTMENTS) * chance.random() ** 1.5),
        "job_id": 1 + int(jobs * chance.random() ** 1.3),
    }


def _spoil(row: Row, turn: int) -> Row:
    changes: tuple[Row, ...] = (
        {"employee_name": ""},
        {"department_id": 999},
        {"hire_date": "2021-02-30T08:00:00Z"},
        {"job_id": None},
        {"job_id": "front desk"},
        {"employee_name": "x" * 300},
    )
    return row | changes[turn % len(changes)]
