"""No value of a row, no key and no password reaches a log, whatever fails."""

import logging
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client, override_settings

from tests.api.sending import execute, send
from tests.conftest import KeyMaker

pytestmark = pytest.mark.usefixtures("database")

MARKER = "marker-7f3a-Zażółć"
ASCII_MARKER = "marker-7f3a"
TOO_LONG_FOR_AN_INDEX = random.Random(1).randbytes(9000).hex()

TABLE = """
CREATE TABLE hiring.kept_secret (
  id int PRIMARY KEY, name text UNIQUE, at timestamptz, ip inet, n numeric(4,1),
  CHECK (name <> 'checked-marker-7f3a'), EXCLUDE USING btree (ip WITH =)
)
"""
FUNCTION = """
CREATE FUNCTION hiring.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.id = 50 THEN RAISE EXCEPTION 'no: %', NEW.name; END IF;
  IF NEW.id = 51 THEN RAISE EXCEPTION 'no: %', NEW.name USING ERRCODE = '57014'; END IF;
  IF NEW.id = 52 THEN RAISE EXCEPTION 'no: %', NEW.name USING ERRCODE = 'XX000'; END IF;
  IF NEW.id = 53 THEN RAISE WARNING 'well: %', NEW.name; END IF;
  IF NEW.id = 54 THEN PERFORM 1 / 0; END IF;
  RETURN NEW;
END $$
"""
TRIGGER = """
CREATE TRIGGER refuse BEFORE INSERT ON hiring.kept_secret
FOR EACH ROW EXECUTE FUNCTION hiring.refuse()
"""


@pytest.fixture
def table(database: None) -> Iterator[None]:
    for statement in (TABLE, FUNCTION, TRIGGER):
        execute(statement)
    yield
    execute("DROP FUNCTION hiring.refuse CASCADE")


def read_logs() -> str:
    """Everything that was logged in this run, by Rowhouse and by the embedded server."""
    files = [*settings.LOGS_DIR.iterdir(), *settings.DATA_DIR.glob("postgres/data/log/*")]
    return "".join(file.read_text(errors="replace") for file in files)


def check_logs(*secrets: str) -> None:
    logged = read_logs()
    for secret in (ASCII_MARKER, *secrets):
        assert secret not in logged


@pytest.mark.usefixtures("table")
def test_rows_that_fail_in_every_way(client: Client) -> None:
    good = {"id": 1, "name": MARKER, "ip": "10.0.0.1"}
    assert send(client, "kept_secret", [good]).status_code == 201
    statuses = [
        send(client, "kept_secret", rows).status_code
        for rows in (
            [{"id": 2, "name": MARKER}],
            [{"id": MARKER}],
            [{"id": 3, "at": MARKER, "ip": MARKER, "n": MARKER, MARKER: 1}],
            [{"id": 4, "ip": "10.0.0.1", "name": f"{MARKER} again"}],
            [{"id": 5, "name": "checked-marker-7f3a"}],
            [{"id": 6, "name": MARKER + TOO_LONG_FOR_AN_INDEX}],
            f'[{{"id": 7, "name": "{MARKER}',
            f"{MARKER}",
            *([{"id": number, "name": f"{MARKER} {number}"}] for number in range(50, 55)),
        )
    ]
    assert statuses == [422] * 6 + [400, 400, 422, 422, 422, 201, 422]
    send(client, "kept_secret", f"id,{MARKER}\n1,2\n", content_type="text/csv")
    send(client, MARKER, [{"id": 1}])
    send(client, "kept_secret", [{"id": 9}], f"?on_conflict={MARKER}")
    check_logs()


@pytest.mark.parametrize("place", ["plainly", "sql", "raw-sql", "view"])
def test_views_that_fail(place: str) -> None:
    client = Client(raise_request_exception=False)
    with override_settings(ROOT_URLCONF="tests.integration.failing_urls"):
        answer = client.get(f"/fail/{place}", {"value": MARKER})
    assert answer.status_code in {500, 503}
    assert MARKER not in answer.content.decode()
    assert f'"route":"fail/{place}","status":{answer.status_code}' in read_logs()
    check_logs()


def test_keys_and_passwords(api_key: KeyMaker) -> None:
    key = api_key("ingest")
    client = Client(headers={"Authorization": f"Api-Key {key}"})
    assert send(client, "jobs", [{"job_id": 1, "job_name": MARKER}]).status_code == 201
    wrong = f"{key[:8]}.marker-7f3a-wrong"
    Client(headers={"Authorization": f"Api-Key {wrong}"}).post("/api/ingest/jobs")
    secrets = [file.read_text().strip() for file in Path(settings.SECRETS_DIR).iterdir()]
    check_logs(key.partition(".")[2], *secrets)


def test_libraries_that_describe_what_they_do() -> None:
    logging.getLogger("asyncio").error("Task failed\nfuture: %s", MARKER)
    logging.getLogger("django.request").error("Internal Server Error: %s", MARKER)
    logging.getLogger("django.security.csrf").error("Forbidden: %s", MARKER)
    logging.getLogger("psycopg").warning("error ignored in %s: %s", "x", MARKER)
    check_logs()
