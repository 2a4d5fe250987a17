"""A thread's database connections between two requests."""

import pytest
from django.db import connections

from project.base.database import renew_connections, writer_connection
from tests.api.sending import stored

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.session]


def test_a_connection_that_breaks_after_an_error_is_replaced_before_its_next_use() -> None:
    pid = writer_connection().info.backend_pid
    connections["ingest"].errors_occurred = True
    renew_connections()
    assert stored("SELECT pg_terminate_backend(%s, 5000)", [pid]) == [(True,)]
    with connections["ingest"].cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        assert cursor.fetchone() != (pid,)


def test_a_connection_that_broke_in_a_request_is_closed_when_it_ends() -> None:
    pid = writer_connection().info.backend_pid
    connections["ingest"].errors_occurred = True
    assert stored("SELECT pg_terminate_backend(%s, 5000)", [pid]) == [(True,)]
    renew_connections()
    assert connections["ingest"].connection is None
