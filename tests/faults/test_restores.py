"""Tables are restored while clients send: no row is lost, readers see one state or the other."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from psycopg import IsolationLevel

from backups.restore.inplace.undo import undo_restore
from backups.restore.plan import RestoreRequest
from backups.restore.restore import restore_backup
from backups.runs.runs import run_backup
from backups.store.archive import find_backup
from backups.store.folder import Backup
from tests.api.sending import execute
from tests.database import log_in
from tests.faults.clients import TABLE
from tests.faults.conftest import FleetMaker, Judge, Recorder
from tests.faults.stage import Stage
from tests.scale import scale

ROUNDS = 1  # 20 in the long form
READERS = 2
PAUSE_S = 0.01
STOCK_ROWS = 300
TABLES = [TABLE, "hiring.stock", "hiring.shelves"]

_STATE = """
SELECT (SELECT count(*) FROM hiring.stock), (SELECT count(*) FROM hiring.shelves),
    (SELECT array_agg(DISTINCT version) FROM
     (SELECT version FROM hiring.stock UNION ALL SELECT version FROM hiring.shelves) both_of_them)
"""


@pytest.fixture
def backup(archive: Path, table: None) -> Iterator[Backup]:
    """Return a backup of tables in which each row has another version by now."""
    execute("CREATE TABLE hiring.stock (id int PRIMARY KEY, version int NOT NULL)")
    execute("CREATE TABLE hiring.shelves (id int REFERENCES hiring.stock, version int NOT NULL)")
    for name in ("stock", "shelves"):
        execute(f"INSERT INTO hiring.{name} SELECT n, 1 FROM generate_series(1, {STOCK_ROWS}) n")
    made = find_backup(str(run_backup(tables=TABLES).pk))
    for name in ("stock", "shelves"):
        execute(f"UPDATE hiring.{name} SET version = 2")
    yield made
    execute("DROP SCHEMA IF EXISTS undo_hiring CASCADE")


@contextmanager
def reading() -> Iterator[Counter[Any]]:
    """Have readers look at both tables during the block; yield how often they saw which state.

    Each looks twice in a snapshot, to see whether that stays.
    """
    seen: Counter[Any] = Counter()
    over = threading.Event()

    def read() -> None:
        with log_in() as connection:
            connection.isolation_level = IsolationLevel.REPEATABLE_READ
            while not over.wait(PAUSE_S):
                first, again = (connection.execute(_STATE).fetchone() for _ in range(2))
                connection.rollback()
                stock, shelves, versions = first or (0, 0, None)
                seen[stock, shelves, tuple(versions or ()), first == again] += 1

    threads = [threading.Thread(target=read, daemon=True) for _ in range(READERS)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_no_row_is_lost_and_no_reader_sees_a_mixture_while_tables_are_restored(
    stage: Stage, backup: Backup, fleet_for: FleetMaker, judge: Judge, record: Recorder
) -> None:
    fleet = fleet_for(stage.url)
    rounds = scale(ROUNDS)
    began = time.monotonic()
    with reading() as seen, fleet.sending():
        for _ in range(rounds):
            restore_backup(backup, RestoreRequest(tables=TABLES))
            fleet.wait_for_progress()
            # What came since the backup is gone, what comes meanwhile stays, then both are there.
            undone = undo_restore(TABLES)
            assert [one.left for one in undone] == [0, 0, 0]
            fleet.wait_for_progress()
    rate = len(fleet.history.acknowledged) / (time.monotonic() - began)
    record(f"{rate:.0f} batches/s, {seen.total()} reads of both tables in two states")
    assert set(seen) == {(STOCK_ROWS, STOCK_ROWS, (version,), True) for version in (1, 2)}
    assert judge(fleet, rounds).is_sound
    assert len(fleet.history.acknowledged) == len(fleet.history.attempted)
