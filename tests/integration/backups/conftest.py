"""Fixtures of the tests of backups."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backups.runs.runs import run_backup
from backups.store.archive import find_backup
from backups.store.folder import Backup
from tests.integration.backups.tables import run

TYPES = (
    "CREATE TYPE hiring.mood AS ENUM ('sad', 'it''s \"so\", so')",
    "CREATE TYPE hiring.pair AS (number integer, word text)",
    "CREATE DOMAIN hiring.short AS char(4)",
    "CREATE DOMAIN hiring.positive AS integer CHECK (VALUE > 0)",
)

LEFT_BY_RESTORES = "DROP SCHEMA IF EXISTS kept, undo_hiring, restore_hiring, staging_hiring CASCADE"


@pytest.fixture
def scratch(archive: Path) -> Iterator[Path]:
    """Let the test make types and tables; all that restores leave is removed."""
    run(LEFT_BY_RESTORES, *TYPES)
    yield archive
    run(
        LEFT_BY_RESTORES,
        "DROP TYPE hiring.mood, hiring.pair CASCADE",
        "DROP DOMAIN hiring.short, hiring.positive CASCADE",
    )


@pytest.fixture
def backup(scratch: Path) -> Backup:
    """Return a backup of hiring.one and hiring.two; of the first only three rows are left."""
    run(
        "CREATE TABLE hiring.one (id int PRIMARY KEY, note text)",
        "CREATE TABLE hiring.two (id int PRIMARY KEY, note text)",
        "INSERT INTO hiring.one SELECT n, 'note ' || n FROM generate_series(1, 200) n",
        "INSERT INTO hiring.two SELECT n, 'other ' || n FROM generate_series(1, 200) n",
    )
    finished = run_backup(tables=["hiring.one", "hiring.two"], codec="null")
    run("DELETE FROM hiring.one WHERE id > 3")
    return find_backup(str(finished.pk))


@pytest.fixture
def parts() -> Iterator[None]:
    run(
        "CREATE FUNCTION hiring.watch() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN RETURN NEW; END'",
        "CREATE TABLE hiring.parts (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
        " code text NOT NULL CONSTRAINT parts_code_key UNIQUE,"
        " parent int REFERENCES hiring.parts, price numeric(8,2) DEFAULT 1 CHECK (price >= 0),"
        " twice numeric GENERATED ALWAYS AS (price * 2) STORED)",
        "CREATE INDEX parts_price_idx ON hiring.parts (price) WHERE price > 1",
        "COMMENT ON TABLE hiring.parts IS 'What things are made of'",
        "COMMENT ON COLUMN hiring.parts.code IS 'Printed on it'",
        "CREATE TRIGGER watch BEFORE INSERT ON hiring.parts FOR EACH ROW"
        " EXECUTE FUNCTION hiring.watch()",
        "ALTER TABLE hiring.parts DISABLE TRIGGER watch",
        "GRANT UPDATE (price) ON hiring.parts TO backup_reader",
        "CREATE TABLE hiring.uses (part int REFERENCES hiring.parts (id) ON DELETE CASCADE)",
        "CREATE VIEW hiring.dear AS SELECT code FROM hiring.parts WHERE price > 1",
        "INSERT INTO hiring.parts (code, parent, price) VALUES ('a', NULL, 1), ('b', 1, 2.50)",
        "INSERT INTO hiring.uses VALUES (1), (2)",
    )
    yield
    run("DROP FUNCTION hiring.watch CASCADE")
