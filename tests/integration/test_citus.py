"""Datasets on a Citus cluster: distributed by setup_db, everything else as on one server.

Runs on the empty database that CITUS_DATABASE_URL leads to, the coordinator of any number of
nodes that has the extension and knows its nodes; what it makes there is removed again, but for the
roles. Without a Citus, only that this is said.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
import yaml
from django.conf import settings
from django.db import connection, transaction
from django.test import Client
from psycopg.sql import SQL, Identifier

from project.base.config import Dataset
from project.schema.citus import ABSENT, distribute_datasets
from tests.api.sending import counts, execute, send
from tests.integration.running import ROOT, Service

URL = os.environ.get("CITUS_DATABASE_URL")
SCHEMAS = ("service", "reports", "hiring", "city", "undo_hiring", "undo_city")
DATASETS = {
    "hiring": {"distribute": "schema"},
    "city": {
        "distribute": {"events": "place_id"},
        "partitions": {"events": {"every": "month", "ahead": 1, "keep": None}},
    },
}
CITY = """
CREATE TABLE kinds (kind_id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE events (
  event_id bigint NOT NULL,
  place_id int NOT NULL,
  kind_id int NOT NULL REFERENCES kinds,
  happened timestamptz NOT NULL,
  note text CONSTRAINT note_is_short CHECK (length(note) < 10),
  PRIMARY KEY (event_id, place_id, happened)
) PARTITION BY RANGE (happened);
CREATE TABLE events_rest PARTITION OF events DEFAULT;
"""
on_citus = [
    pytest.mark.citus,
    pytest.mark.skipif(not URL, reason="CITUS_DATABASE_URL is not set; there is no Citus package"),
]


@pytest.mark.usefixtures("database")
def test_without_the_extension_everything_stays_and_that_is_said() -> None:
    datasets = {**settings.CONFIG.datasets, "hiring": Dataset(distribute={"jobs": "no_such"})}
    with transaction.atomic():
        assert distribute_datasets(connection.connection, datasets) == {"hiring": [ABSENT]}
        assert distribute_datasets(connection.connection, settings.CONFIG.datasets) == {}


REFUSE_COPY = """
CREATE FUNCTION hiring.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF current_query() LIKE 'COPY%' THEN RAISE 'as a cluster does' USING ERRCODE = 'XX000'; END IF;
  RETURN NEW;
END $$;
CREATE TABLE hiring.made (id int PRIMARY KEY CHECK (id < 3));
CREATE TRIGGER refuse BEFORE INSERT ON hiring.made
  FOR EACH ROW EXECUTE FUNCTION hiring.refuse()
"""


@pytest.fixture
def refused_copies(database: None) -> Iterator[None]:
    """Have hiring.made refuse what comes by COPY as a coordinator tells that a node refused it."""
    execute(REFUSE_COPY)
    yield
    execute("DROP FUNCTION hiring.refuse CASCADE")


@pytest.mark.usefixtures("refused_copies")
def test_what_a_node_refuses_without_a_reason_is_asked_row_by_row(client: Client) -> None:
    assert counts(send(client, "made", [{"id": 1}, {"id": 2}])) == (2, 2, 0, 0, 0)
    answer = send(client, "made", [{"id": 0}, {"id": 1}, {"id": 3}]).json()
    found = {one["index"]: one["errors"][0]["constraint"] for one in answer["rejections"]}
    assert found == {1: "made_pkey", 2: "made_id_check"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run Rowhouse on the cluster, with one dataset by schema and one by column."""
    assert URL is not None
    folder = tmp_path_factory.mktemp("citus")
    with psycopg.connect(URL, autocommit=True) as session:
        found = session.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname = ANY (%s)", [list(SCHEMAS)]
        ).fetchall()
        assert not found, f"CITUS_DATABASE_URL must lead to an empty database: {found}"
        session.execute("CREATE EXTENSION IF NOT EXISTS citus")
        session.execute("CREATE SCHEMA city")
        session.execute("SET search_path = city")
        for statement in CITY.split(";\n"):
            if statement.strip():
                session.execute(statement.encode())
        try:
            yield from _run(folder)
        finally:
            for schema in SCHEMAS:
                session.execute(SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(Identifier(schema)))


def _run(folder: Path) -> Iterator[Service]:
    service = Service(folder, DATABASE_URL=str(URL))
    config = yaml.safe_load((ROOT / "rest_conf.yml").read_text())
    config["datasets"] = DATASETS
    config["backups"]["folder"] = str(folder / "archive")
    service.config.write_text(yaml.safe_dump(config))
    service.start("--web-only")
    yield service
    service.stop()


def ingest(service: Service, table: str, rows: list[Any], query: str = "") -> tuple[int, Any]:
    return service.ask("POST", f"/api/ingest/{table}{query}", rows)


def codes(receipt: Any) -> dict[int, list[tuple[str, str | None]]]:
    return {
        one["index"]: [(error["code"], error.get("constraint")) for error in one["errors"]]
        for one in receipt["rejections"]
    }


def employee(number: int, **changes: Any) -> dict[str, Any]:
    row = {
        "employee_id": number,
        "employee_name": "Ada",
        "hire_date": "2021-05-01T00:00:00Z",
        "department_id": 1,
        "job_id": 1,
    }
    return row | changes


class TestOnCitus:
    """In order: each test goes on from what the one before has stored."""

    pytestmark = on_citus

    def test_setup_db_distributes_once(self, service: Service) -> None:
        with psycopg.connect(str(URL)) as session:
            placed = session.execute(
                "SELECT table_name::text, citus_table_type FROM citus_tables ORDER BY 1"
            ).fetchall()
        assert {
            ("city.events", "distributed"),
            ("city.kinds", "reference"),
            ("hiring.employees", "schema"),
        } <= set(placed)
        again = service.run("setup_db")
        assert again.returncode == 0, again.stderr
        assert again.stdout.splitlines() == ["city: up to date", "hiring: up to date"]

    def test_a_key_without_the_column_is_refused_with_the_reason(self, service: Service) -> None:
        text = service.config.read_text()
        service.config.write_text(text.replace("events: place_id", "kinds: name"))
        refused = service.run("setup_db")
        service.config.write_text(text)
        assert refused.returncode == 1
        assert "the key kinds_pkey (kind_id) lacks name" in refused.stderr

    def test_every_rejection_names_its_constraint(self, service: Service) -> None:
        rows = [{"department_id": 1, "department_name": "Sales"}]
        assert ingest(service, "departments", rows)[0] == 201
        assert ingest(service, "jobs", [{"job_id": 1, "job_name": "Clerk"}])[0] == 201
        rows = [employee(1), employee(1), employee(2, job_id=9), employee(3, job_id="x")]
        status, receipt = ingest(service, "employees", rows)
        assert (status, receipt["inserted"]) == (207, 1)
        assert codes(receipt) == {
            1: [("duplicate_in_batch", "employees_pkey")],
            2: [("fk_violation", "employees_job_id_fkey")],
            3: [("not_integer", None)],
        }
        status, receipt = ingest(service, "employees", [employee(1), employee(4)])
        assert codes(receipt) == {0: [("duplicate_key", "employees_pkey")]}
        changed = [employee(1, employee_name="Bea"), employee(4), employee(5)]
        status, receipt = ingest(service, "employees", changed, "?on_conflict=update")
        outcome = (receipt["updated"], receipt["ignored"], receipt["inserted"])
        assert (status, *outcome) == (201, 1, 1, 1)

    def test_rows_in_shards_are_ingested_like_others(self, service: Service) -> None:
        assert ingest(service, "kinds", [{"kind_id": 1, "name": "flood"}])[0] == 201
        event = {"place_id": 1, "kind_id": 1, "happened": "2026-01-01T00:00:00Z"}
        rows: list[dict[str, Any]] = [event | {"event_id": n, "place_id": n} for n in range(50)]
        rows += [rows[3], rows[4] | {"event_id": 99, "note": "x" * 10}]
        rows += [rows[5] | {"event_id": 98, "kind_id": 7}]
        status, receipt = ingest(service, "city.events", rows)
        assert (status, receipt["inserted"]) == (207, 50)
        assert codes(receipt) == {
            50: [("duplicate_in_batch", "events_pkey")],
            51: [("check_violation", "note_is_short")],
            52: [("fk_violation", "events_kind_id_fkey")],
        }
        changed = [rows[0] | {"note": "later"}, event | {"event_id": 50}]
        status, receipt = ingest(service, "city.events", changed, "?on_conflict=update")
        assert (status, receipt["updated"], receipt["inserted"]) == (201, 1, 1)
        status, receipt = ingest(service, "city.events", changed, "?on_conflict=ignore")
        assert (status, receipt["ignored"]) == (201, 2)

    def test_coming_partitions_are_made_on_every_node(self, service: Service) -> None:
        done = service.run("partitions")
        assert done.returncode == 0, done.stderr
        assert "2 made, 0 detached, 51 rows in default partitions" in done.stdout
        with psycopg.connect(str(URL)) as session:
            spread = session.execute(
                "SELECT count(*) FROM pg_dist_partition WHERE logicalrelid IN"
                " (SELECT relid FROM pg_partition_tree('city.events'))"
            ).fetchone()
        assert spread == (4,)
        soon = datetime.now(UTC).isoformat()
        row = {"event_id": 1000, "place_id": 8, "kind_id": 1, "happened": soon}
        assert ingest(service, "city.events", [row])[0] == 201
        with psycopg.connect(str(URL)) as session:
            session.execute("DELETE FROM city.events WHERE event_id = 1000")

    def test_rows_are_read_and_reports_refreshed(self, service: Service) -> None:
        status, page = service.ask("GET", "/api/tables/city.events/rows?place_id=7")
        assert (status, [row["event_id"] for row in page["results"]]) == (200, [7])
        done = service.run("refresh_reports", "hires_by_quarter")
        assert done.returncode == 0, done.stderr
        status, report = service.ask("GET", "/api/reports/hires_by_quarter")
        assert (status, report["results"][0]["q2"]) == (200, 3)

    def test_a_backup_is_made_and_restored_in_place(self, service: Service) -> None:
        made = service.run("backup")
        assert made.returncode == 0, made.stderr
        status, _ = ingest(service, "employees", [employee(77)])
        assert status == 201
        restored = service.run("restore", "employees", "city.events")
        assert restored.returncode == 0, restored.stderr
        status, page = service.ask("GET", "/api/tables/employees/rows")
        assert [row["employee_id"] for row in page["results"]] == [1, 4, 5]
        with psycopg.connect(str(URL)) as session:
            counted = session.execute("SELECT count(*) FROM city.events").fetchone()
            kinds = session.execute(
                "SELECT citus_table_type FROM citus_tables WHERE table_name IN"
                " ('city.events'::regclass, 'hiring.employees'::regclass) ORDER BY 1"
            ).fetchall()
        assert counted == (51,)
        assert kinds == [("distributed",), ("schema",)]
        assert ingest(service, "employees", [employee(78, job_id=9)])[0] == 422


def test_the_settings_say_what_is_distributed() -> None:
    read = msgspec.convert(DATASETS, dict[str, Dataset])
    assert read["hiring"].distribute == "schema"
    assert read["city"].distribute == {"events": "place_id"}
