"""Fixtures of the endpoint tests: the hiring dataset, and a table of every type."""

import pytest
from django.test import Client

from tests.api.extremes import EXTREMES
from tests.api.sending import execute, send
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
