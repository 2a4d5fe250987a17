"""A statement smuggled into the ingest path: what it can reach, seen from the running service."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.api.sending import execute, stored
from tests.conftest import KeyMaker

pytestmark = pytest.mark.usefixtures("database")

# What an injection would be: the service's own connection runs the text of a row.
FUNCTION = """
CREATE FUNCTION hiring.obey() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE NEW.statement;
  NEW.result := current_user;
  RETURN NEW;
EXCEPTION WHEN OTHERS THEN
  NEW.result := SQLSTATE;
  RETURN NEW;
END $$
"""

FORBIDDEN = [
    "SELECT hashed_key FROM service.api_key LIMIT 1",
    "SELECT password FROM service.auth_user LIMIT 1",
    "SELECT session_data FROM service.django_session LIMIT 1",
    "SELECT token FROM service.oauth2_provider_accesstoken LIMIT 1",
    "SELECT client_secret FROM service.oauth2_provider_application LIMIT 1",
    "SELECT requests FROM service.key_usage LIMIT 1",
    "SELECT name FROM service.login_attempt LIMIT 1",
    "SELECT rolpassword FROM pg_catalog.pg_authid WHERE rolpassword IS NOT NULL LIMIT 1",
    "SELECT passwd FROM pg_catalog.pg_shadow LIMIT 1",
    "SELECT umoptions FROM pg_catalog.pg_user_mapping LIMIT 1",
    "SELECT pg_read_file('postgresql.conf')",
    "SELECT pg_ls_dir('.')::text",
    "SELECT lo_import('/etc/passwd')",
    "UPDATE service.api_key SET revoked = false",
    "INSERT INTO service.auth_user (username) VALUES ('x')",
    "DELETE FROM service.batch",
    "SET ROLE rowhouse_service",
    "SET ROLE postgres",
    "ALTER ROLE ingest_writer SUPERUSER",
    "CREATE ROLE another",
    "GRANT rowhouse_service TO ingest_writer",
    "CREATE FUNCTION hiring.mine() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
    "ALTER TABLE hiring.jobs DISABLE TRIGGER ALL",
    "COPY hiring.jobs TO '/tmp/stolen'",
    "COPY hiring.jobs TO PROGRAM 'cat > /tmp/stolen'",
    "COPY hiring.jobs FROM PROGRAM 'id'",
    "SELECT pg_reload_conf()",
]


@pytest.fixture
def obedient(database: None) -> Iterator[None]:
    execute("CREATE TABLE hiring.obedient (id int PRIMARY KEY, statement text, result text)")
    execute(FUNCTION)
    execute(
        "CREATE TRIGGER obey BEFORE INSERT ON hiring.obedient"
        " FOR EACH ROW EXECUTE FUNCTION hiring.obey()"
    )
    yield
    execute("DROP FUNCTION hiring.obey CASCADE")


def send(server: str, key: str, rows: list[dict[str, Any]]) -> int:
    connection = HTTPConnection(urlsplit(server).netloc, timeout=60)
    headers = {"Authorization": f"Api-Key {key}", "Content-Type": "application/json"}
    connection.request("POST", "/api/ingest/hiring.obedient", json.dumps(rows), headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


@pytest.mark.usefixtures("obedient")
def test_an_injected_statement_reads_no_secret(server: str, api_key: KeyMaker) -> None:
    statements = ["SELECT 1", *FORBIDDEN]
    rows = [{"id": place, "statement": text} for place, text in enumerate(statements)]
    assert send(server, api_key("ingest"), rows) == 201
    results = stored("SELECT statement, result FROM hiring.obedient ORDER BY id")
    assert results[0] == ("SELECT 1", "ingest_writer")
    assert [text for text, result in results[1:] if result != "42501"] == []
    assert len(results) == len(statements)
