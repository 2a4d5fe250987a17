"""Fixtures of the endpoint tests: the hiring dataset with a department and a job."""

import pytest
from django.test import Client

from tests.api.tables import send


@pytest.fixture
def hiring(client: Client) -> Client:
    """Return a client of every scope; there are department 1 and job 7 to refer to."""
    departments = [{"department_id": 1, "department_name": "Sales"}]
    assert send(client, "departments", departments).status_code == 201
    assert send(client, "jobs", [{"job_id": 7, "job_name": "Clerk"}]).status_code == 201
    return client
