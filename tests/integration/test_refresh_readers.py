"""What readers see of a report while it is refreshed: the old table or the new one, whole."""

import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import psycopg
import pytest
from django.conf import settings as project_settings
from psycopg import Connection, IsolationLevel
from pytest_django import Settings

from reports.engine.registry import find_report
from reports.engine.report_table import refresh_report
from reports.errors import RefreshFailed
from tests.database import log_in
from tests.integration.test_refresh import HEADER, with_no_overrides
from tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("database")

REFRESHES = 100
ROWS = 500
LEVELS = [IsolationLevel.READ_COMMITTED, IsolationLevel.REPEATABLE_READ] * 2


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    settings.REPORTS_DIR = tmp_path
    settings.CONFIG = with_no_overrides(settings.CONFIG)
    return tmp_path


def write(folder: Path, version: int, *, wide: bool = False) -> None:
    """Write a definition whose rows all say which version they are of."""
    extra = ", 'x' AS extra" if wide else ""
    header = HEADER + ("--   extra: {caption: Extra}\n" if wide else "")
    (folder / "counts.sql").write_text(
        f"{header}\nSELECT 'version {version}' AS name, n::int{extra}"
        f" FROM generate_series(1, {ROWS}) n\n"
    )


class Reader(threading.Thread):
    """Reads the report again and again, in transactions of three reads each."""

    def __init__(self, level: IsolationLevel, is_over: threading.Event) -> None:
        super().__init__(daemon=True)
        self.level = level
        self.is_over = is_over
        self.problems: list[str] = []
        self.reads = 0

    def run(self) -> None:
        try:
            with log_in(self.level) as login:
                while not self.is_over.is_set():
                    with login.transaction():
                        self._read_thrice(login)
        except psycopg.Error as error:
            self.problems.append(f"failed: {error}")

    def _read_thrice(self, login: Connection) -> None:
        seen = []
        for _ in range(3):
            found = login.execute(
                "SELECT min(name), max(name), count(*), sum(n) FROM reports.counts"
            ).fetchone()
            assert found is not None
            lowest, highest, count, total = found
            self.reads += 1
            if (count, total) != (ROWS, ROWS * (ROWS + 1) // 2):
                self.problems.append(f"{count} rows")
            if lowest != highest:
                self.problems.append(f"mixed: {lowest}, {highest}")
            seen.append(lowest)
        if self.level is IsolationLevel.REPEATABLE_READ and len(set(seen)) > 1:
            self.problems.append(f"changed inside a snapshot: {seen}")


def read_while(change: Callable[[int], None], times: int) -> list[Reader]:
    is_over = threading.Event()
    readers = [Reader(level, is_over) for level in LEVELS]
    for reader in readers:
        reader.start()
    try:
        for number in range(times):
            change(number)
    finally:
        is_over.set()
        for reader in readers:
            reader.join()
    return readers


def test_a_hundred_refreshes_are_never_seen_half_done(folder: Path) -> None:
    write(folder, 0)
    refresh_report(find_report("counts"))

    def change(number: int) -> None:
        write(folder, number + 1)
        refresh_report(find_report("counts"))

    readers = read_while(change, REFRESHES)
    assert [reader.problems for reader in readers] == [[]] * 4
    assert all(reader.reads > REFRESHES / 10 for reader in readers)


def test_changing_columns_are_never_seen_half_done(folder: Path) -> None:
    write(folder, 0)
    refresh_report(find_report("counts"))

    def change(number: int) -> None:
        write(folder, number + 1, wide=number % 2 == 0)
        refresh_report(find_report("counts"))

    # Inside one snapshot a reader may see the new table after the old: its rows are frozen.
    readers = read_while(change, 20)
    problems = [problem for reader in readers for problem in reader.problems]
    assert [problem for problem in problems if not problem.startswith("changed inside")] == []


def test_an_older_snapshot_finds_an_exchanged_table_full(folder: Path) -> None:
    write(folder, 1)
    refresh_report(find_report("counts"))
    with log_in(IsolationLevel.REPEATABLE_READ) as older:
        older.execute("SELECT 1")
        write(folder, 2, wide=True)
        refresh_report(find_report("counts"))
        found = older.execute("SELECT min(name), max(extra), count(*) FROM reports.counts")
        assert found.fetchone() == ("version 2", "x", ROWS)


def test_a_long_read_neither_stops_a_refresh_nor_other_readers(folder: Path) -> None:
    write(folder, 1)
    refresh_report(find_report("counts"))
    with log_in() as long_reader, log_in() as other:
        long_reader.execute("SELECT * FROM reports.counts")
        write(folder, 2)
        refresh_report(find_report("counts"))
        other.execute("SET lock_timeout = '5s'")
        assert other.execute("SELECT max(name) FROM reports.counts").fetchone() == ("version 2",)


def test_an_exchange_waits_for_a_long_read_without_stopping_others(
    folder: Path, settings: Settings
) -> None:
    write(folder, 1)
    refresh_report(find_report("counts"))
    results: list[str] = []

    def exchange() -> None:
        try:
            results.append(refresh_report(find_report("counts"), connect=connect).outcome)
        except RefreshFailed as error:
            results.append(error.message)

    with log_in() as long_reader, log_in() as other, log_in() as writer:
        writer.autocommit = True

        def connect() -> Connection:
            return writer

        long_reader.execute("SELECT * FROM reports.counts")
        write(folder, 2, wide=True)
        thread = threading.Thread(target=exchange, daemon=True)
        thread.start()
        other.autocommit = True
        other.execute("SET lock_timeout = '5s'")  # the long read ends later than that
        for _ in range(3):
            # A read that comes now waits until the exchange gives up for this time.
            wait_until(lambda: is_asking(other), "the exchange asks for its lock")
            assert read_old(other)
        long_reader.rollback()
        thread.join()
        assert results == ["refreshed"]
        assert other.execute("SELECT max(name) FROM reports.counts").fetchone() == ("version 2",)


def read_old(other: Connection) -> bool:
    """Read the report, which must get through; return whether it is the old one."""
    return other.execute("SELECT max(name) FROM reports.counts").fetchone() == ("version 1",)


def is_asking(other: Connection) -> bool:
    """Return whether an exchange waits for its lock at this moment."""
    found = other.execute(
        "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
        " WHERE datname = current_database() AND mode = 'AccessExclusiveLock' AND NOT granted"
    )
    return found.fetchone() != (0,)


def test_an_exchange_that_readers_never_allow_fails_and_leaves_the_table(
    folder: Path, settings: Settings
) -> None:
    reports = msgspec.structs.replace(project_settings.CONFIG.reports, swap_patience_s=0)
    settings.CONFIG = msgspec.structs.replace(settings.CONFIG, reports=reports)
    write(folder, 1)
    refresh_report(find_report("counts"))
    with log_in() as long_reader:
        long_reader.execute("SELECT * FROM reports.counts")
        write(folder, 2, wide=True)
        with pytest.raises(RefreshFailed, match="Readers held on"):
            refresh_report(find_report("counts"))
        assert long_reader.execute("SELECT max(name) FROM reports.counts").fetchone() == (
            "version 1",
        )
    refresh_report(find_report("counts"))
