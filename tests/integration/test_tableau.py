"""What Tableau sees: report_reader through psqlODBC, the driver Tableau uses, and psql."""

import shutil
import subprocess
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from project.base.database import role_password
from project.server.postgres.cluster import program
from tests.hiring import send_small
from tests.needs import need
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.usefixtures("database")

DRIVER = "PostgreSQL Unicode"


@pytest.fixture
def reports(client: Client) -> Client:
    send_small(client)
    for name in ("hires_by_quarter", "departments_above_mean"):
        assert client.post(f"/api/reports/{name}/refresh").status_code == 200
    return client


@pytest.fixture
def tableau(reports: Client) -> Iterator[Any]:
    """Connect as a data source's file says, with the password from the secrets."""
    pyodbc = pytest.importorskip("pyodbc", exc_type=ImportError, reason="unixODBC is not installed")
    need(DRIVER in pyodbc.drivers(), "odbc-postgresql is not installed")
    source = fromstring(reports.get("/api/reports/hires_by_quarter.tds").content)
    place = source.find("connection/named-connections/named-connection/connection")
    assert place is not None
    text = (
        f"DRIVER={{{DRIVER}}};SERVER={place.get('server')};PORT={place.get('port')};"
        f"DATABASE={place.get('dbname')};UID={place.get('username')};"
        f"PWD={role_password('report_reader', settings.SECRETS_DIR)}"
    )
    login = pyodbc.connect(text, autocommit=True, timeout=int(PATIENCE_S))
    yield login
    login.close()


def test_it_lists_the_report_tables_and_no_other(tableau: Any) -> None:
    cursor = tableau.cursor()
    found = {(table.table_schem, table.table_name) for table in cursor.tables()}
    own = {(schema, name) for schema, name in found if schema in {"reports", "hiring", "service"}}
    readable = {
        name
        for schema, name in own
        if cursor.execute(
            "SELECT has_schema_privilege(?, 'USAGE') AND has_table_privilege(?, 'SELECT')",
            schema,
            f"{schema}.{name}",
        ).fetchval()
        in {"1", True}
    }
    reports = {"hires_by_quarter", "departments_above_mean", "report_status"}
    assert reports | {"vehicle_state_intervals"} <= readable
    assert {schema for schema, name in own if name in readable} == {"reports"}


def test_it_reads_rows_and_types(tableau: Any) -> None:
    cursor = tableau.cursor()
    cursor.execute("SELECT * FROM reports.hires_by_quarter ORDER BY department")
    assert [tuple(row) for row in cursor.fetchall()] == [
        ("Legal", "Clerk", 0, 0, 1, 1),
        ("Sales", "Clerk", 2, 1, 0, 1),
    ]
    types = {
        column.column_name: column.type_name
        for column in cursor.columns(table="hires_by_quarter", schema="reports")
    }
    assert (types["department"], types["q1"]) == ("varchar", "int8")
    status = cursor.execute(
        "SELECT report, rows, open_rejections FROM reports.report_status ORDER BY report DESC"
    )
    assert [tuple(row) for row in status.fetchall()] == [
        ("hires_by_quarter", 2, 0),
        ("departments_above_mean", 1, 0),
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM hiring.employees",
        "SELECT * FROM service.report",
        "SELECT * FROM service.api_key",
        "DELETE FROM reports.hires_by_quarter",
        "CREATE TABLE reports.mine (n int)",
        "CREATE TEMPORARY TABLE mine (n int)",
        "SELECT pg_read_file('/etc/passwd')",
        "SET SESSION AUTHORIZATION postgres",
    ],
)
def test_it_can_do_nothing_else(tableau: Any, statement: str) -> None:
    import pyodbc

    cursor = tableau.cursor()
    cursor.execute("SET default_transaction_read_only = off")  # rights hold without it too
    with pytest.raises(pyodbc.Error) as caught:
        cursor.execute(statement)
    assert "42501" in str(caught.value) or "permission denied" in str(caught.value)


def test_its_session_is_read_only_and_has_a_time_limit(tableau: Any) -> None:
    cursor = tableau.cursor()
    assert cursor.execute("SHOW default_transaction_read_only").fetchval() == "on"
    limit = f"{settings.CONFIG.database.statement_timeout_s}s"
    assert cursor.execute("SHOW statement_timeout").fetchval() == limit


def test_psql_shows_the_same_to_the_role(reports: Client) -> None:
    server = connection.settings_dict
    psql = program("psql")
    command = [str(psql) if psql.exists() else shutil.which("psql") or "psql", "-XAt"]
    address = (
        f"host={server['HOST']} port={server['PORT']} dbname={server['NAME']} user=report_reader"
    )
    password = role_password("report_reader", settings.SECRETS_DIR)

    def ask(statement: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, "-d", address, "-c", statement],
            env={"PGPASSWORD": password, "LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=False,
        )

    answer = ask("SELECT department_name, hired FROM reports.departments_above_mean")
    assert answer.stdout == "Sales|4\n", answer.stderr
    refused = ask("SELECT * FROM hiring.jobs")
    assert "permission denied for schema hiring" in refused.stderr
    comments = ask("\\d+ reports.hires_by_quarter").stdout
    assert "Q1: People hired from January to March" in comments
