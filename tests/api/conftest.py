"""Fixtures of the endpoint tests: the hiring dataset, a table of every type, changed settings."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from django.conf import settings
from django.test import Client

from tests.api.extremes import EXTREMES
from tests.api.sending import execute, send, stored
from tests.api.tables import employee, make_every_type_table


@pytest.fixture
def hiring(client: Client) -> Client:
    """Return a client of every scope; there are department 1 and job 7 to refer to."""
    departments = [{"department_id": 1, "department_name": "Sales"}]
    assert send(client, "departments", departments).status_code == 201
    assert send(client, "jobs", [{"job_id": 7, "job_name": "Clerk"}]).status_code == 201
    return client


@pytest.fixture
def people(hiring: Client) -> Client:
    """Return a client; there are seven employees, two hired at a time."""
    rows = [employee(n, hire_date=f"2021-07-{1 + n // 2:02}T00:00:00Z") for n in range(7)]
    assert send(hiring, "employees", rows).status_code == 201
    return hiring


@pytest.fixture
def extremes(client: Client) -> Client:
    """Return a client; hiring.every_type holds values at their limits."""
    make_every_type_table()
    for number, values in enumerate(EXTREMES):
        columns = ", ".join(["id", *values])
        texts = ", ".join("'" + value.replace("'", "''") + "'" for value in values.values())
        execute(
            f"INSERT INTO hiring.every_type ({columns}) VALUES"
            f" ({', '.join(filter(None, [str(number), texts]))})"
        )
    return client


@pytest.fixture
def made_things(database: None) -> Iterator[None]:
    """Drop what a test makes beside tables."""
    before = set(stored(_OTHERS))
    yield
    for (statement,) in set(stored(_OTHERS)) - before:
        execute(statement)


_OTHERS = """
    SELECT format('DROP FUNCTION IF EXISTS %s CASCADE', p.oid::regprocedure) FROM pg_proc p
    WHERE pronamespace = 'hiring'::regnamespace
    UNION ALL
    SELECT format('DROP %s IF EXISTS %s CASCADE',
        CASE typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END, t.oid::regtype)
    FROM pg_type t
    WHERE typnamespace = 'hiring'::regnamespace AND typtype IN ('d', 'e')
"""


@pytest.fixture
def change_metrics(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that changes settings of the section `metrics`."""

    def change(**values: Any) -> None:
        changed = msgspec.structs.replace(settings.CONFIG.metrics, **values)
        whole = msgspec.structs.replace(settings.CONFIG, metrics=changed)
        monkeypatch.setattr(settings, "CONFIG", whole)

    return change
