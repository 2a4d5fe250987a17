"""Fixtures of the tests of backups."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backups.archive import Backup, find_backup
from backups.runs import run_backup
from tests.integration.backups.tables import run

TYPES = (
    "CREATE TYPE hiring.mood AS ENUM ('sad', 'it''s \"so\", so')",
    "CREATE TYPE hiring.pair AS (number integer, word text)",
    "CREATE DOMAIN hiring.short AS char(4)",
    "CREATE DOMAIN hiring.positive AS integer CHECK (VALUE > 0)",
)


@pytest.fixture
def scratch(archive: Path) -> Iterator[Path]:
    """Let the test make types and tables; all that restores leave is removed afterwards."""
    run(*TYPES)
    yield archive
    run(
        "DROP SCHEMA IF EXISTS kept, undo_hiring, restore_hiring, staging_hiring CASCADE",
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
