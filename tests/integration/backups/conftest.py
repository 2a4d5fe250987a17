"""Fixtures of the tests of backups."""

from collections.abc import Iterator
from pathlib import Path

import pytest

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
