"""Refreshing both reports over a million employees against the bare SELECT plus the write.

Then how long readers wait while reports are refreshed, and while a table's columns change.
"""

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import django
import msgspec
import psycopg
from psycopg import ClientCursor, Connection, IsolationLevel
from psycopg.sql import SQL, Identifier

from tests.bench.stage import Stage, set_stage
from tests.bench.table import Figure, print_figures

EMPLOYEES = 1_000_000
NAMES = ("hires_by_quarter", "departments_above_mean")
READERS = (IsolationLevel.READ_COMMITTED, IsolationLevel.REPEATABLE_READ) * 2
REFRESHES = 100
EXCHANGES = 20

FILL = (
    "INSERT INTO hiring.departments SELECT n, 'Department ' || n FROM generate_series(1, 12) n",
    "INSERT INTO hiring.jobs SELECT n, 'Job ' || n FROM generate_series(1, 183) n",
    """
    INSERT INTO hiring.employees
    SELECT n, 'Person ' || n, timestamptz '2020-07-01' + n %% 1000 * interval '1 day',
        1 + n::bigint * 7919 %% 12, 1 + n::bigint * 104729 %% 183
    FROM generate_series(1, %s) n
    """,
    "VACUUM ANALYZE hiring.employees",
)


def fill(stage: Stage, employees: int) -> None:
    """Fill the dataset with that many employees, two fifths of them hired in 2021."""
    with stage.connect() as connection:
        for statement in FILL:
            connection.execute(statement, [employees] if "%s" in statement else None)


def compare(stage: Stage, name: str, runs: int) -> Figure:
    """Return a refresh's time beside that of the SELECT, fetched, and its rows written."""
    from reports.engine.registry import find_report
    from reports.engine.report_table import refresh_report

    definition = find_report(name)
    refresh_report(definition, force=True)
    bare, ours = [], []
    with stage.connect() as connection:
        for run in range(runs + 1):
            bare.append(_time(lambda: _select_and_write(connection, definition)))
            ours.append(_time(lambda: refresh_report(definition, force=True)))
            if not run:  # the first one warms up
                bare.clear()
                ours.clear()
    return Figure(
        label=f"{name}, ms",
        ours=median(ours) * 1000,
        limit=median(bare) * 1000,
        limit_name="SELECT + write",
        ratio=median(a / b for a, b in zip(ours, bare, strict=True)),
    )


def _select_and_write(connection: Connection, definition: Any) -> None:
    table = Identifier("hiring", f"bare_{definition.name}")
    rows = ClientCursor(connection).execute(definition.query, definition.values).fetchall()
    columns = len(definition.header.columns)
    with connection.transaction():
        connection.execute(
            SQL("CREATE TABLE IF NOT EXISTS {} (LIKE {})").format(
                table, Identifier("reports", definition.name)
            )
        )
        connection.execute(SQL("DELETE FROM {}").format(table))
        with connection.cursor().copy(SQL("COPY {} FROM STDIN").format(table)) as copy:
            for row in rows:
                copy.write_row(row[:columns])


def _time(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


@dataclass
class Seen:
    """What the readers saw."""

    reads: int = 0
    empty: int = 0
    mixed: int = 0
    failed: int = 0
    waits_ms: list[float] = field(default_factory=list)


@contextmanager
def reading(stage: Stage, table: str) -> Iterator[Seen]:
    """Have four clients read a table for as long as the block lasts."""
    seen, is_over = Seen(), threading.Event()
    arguments = (stage, table, seen, is_over)
    threads = [
        threading.Thread(target=_read, args=(*arguments, level), daemon=True) for level in READERS
    ]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


def _read(
    stage: Stage, table: str, seen: Seen, is_over: threading.Event, level: IsolationLevel
) -> None:
    statement = SQL("SELECT min(version), max(version), count(*) FROM {}").format(
        Identifier("reports", table)
    )
    with psycopg.connect(stage.database_url) as connection:
        connection.isolation_level = level
        while not is_over.is_set():
            try:
                with connection.transaction():
                    for _ in range(2):
                        started = time.perf_counter()
                        row = connection.execute(statement).fetchone()
                        seen.waits_ms.append((time.perf_counter() - started) * 1000)
                        _judge(seen, row)
            except psycopg.Error:
                seen.failed += 1
            is_over.wait(0.005)


def _judge(seen: Seen, row: Any) -> None:
    lowest, highest, count = row
    seen.reads += 1
    seen.empty += count == 0
    seen.mixed += count not in (0, 2000) or lowest != highest


def write_definition(path: Path, version: int, *, wide: bool) -> None:
    """Write a report of 2000 rows that say which version they are of."""
    path.write_text(
        "-- title: Versions\n-- description: For the benchmark\n-- sources: [hiring.jobs]\n"
        "-- columns:\n--   version: {caption: Version}\n--   n: {caption: Number}\n"
        + ("--   extra: {caption: Extra}\n" if wide else "")
        + f"\nSELECT {version} AS version, n"
        + (", 'x' AS extra" if wide else "")
        + " FROM generate_series(1, 2000) n\n"
    )


def read_while_refreshed(stage: Stage, *, exchange: bool) -> list[Figure]:
    """Return what readers saw of refreshes, or of exchanges while a long query runs too."""
    from django.conf import settings

    from reports.engine.registry import find_report
    from reports.engine.report_table import refresh_report

    path = settings.REPORTS_DIR / "versions.sql"
    write_definition(path, 0, wide=False)
    refresh_report(find_report("versions"))
    with reading(stage, "versions") as alone:
        time.sleep(2)
    with reading(stage, "versions") as seen, _long_reads(stage, exchange=exchange):
        for number in range(EXCHANGES if exchange else REFRESHES):
            write_definition(path, number + 1, wide=exchange and number % 2 == 0)
            refresh_report(find_report("versions"))
    label = f"{EXCHANGES} exchanges beside long queries" if exchange else f"{REFRESHES} refreshes"
    counted = f"{seen.empty} empty, {seen.mixed} mixed, {seen.failed} failed"
    return [
        Figure(
            label=f"{label}: longest of {seen.reads} reads, ms ({counted})",
            ours=max(seen.waits_ms),
            limit=max(alone.waits_ms),
            limit_name="without refreshes",
            ratio=max(seen.waits_ms) / max(alone.waits_ms),
        )
    ]


@contextmanager
def _long_reads(stage: Stage, *, exchange: bool) -> Iterator[None]:
    """Hold the table with transactions of half a second, one after another."""
    is_over = threading.Event()

    def hold() -> None:
        with psycopg.connect(stage.database_url) as connection:
            while not is_over.is_set():
                with connection.transaction():
                    connection.execute("SELECT count(*), pg_sleep(0.5) FROM reports.versions")
                is_over.wait(0.3)

    thread = threading.Thread(target=hold, daemon=True)
    if exchange:
        thread.start()
    yield
    is_over.set()
    if exchange:
        thread.join()


def main(arguments: list[str] | None = None) -> list[Figure]:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--employees", type=int, default=EMPLOYEES)
    options = parser.parse_args(arguments)
    with set_stage() as stage:
        os.environ.update(stage.environment)
        django.setup()
        fill(stage, options.employees)
        refreshes = [compare(stage, name, options.runs) for name in NAMES]
        print_figures(f"Refresh over {options.employees} employees (medians)", refreshes)
        with _own_folder():
            reads = read_while_refreshed(stage, exchange=False)
            reads += read_while_refreshed(stage, exchange=True)
        print_figures("Four reading clients", reads)
    return refreshes + reads


@contextmanager
def _own_folder() -> Iterator[None]:
    """Let definitions be read from a folder of the benchmark's own."""
    from django.conf import settings

    kept = settings.REPORTS_DIR, settings.CONFIG
    with tempfile.TemporaryDirectory() as folder:
        settings.REPORTS_DIR = Path(folder)
        reports = msgspec.structs.replace(settings.CONFIG.reports, definitions={})
        settings.CONFIG = msgspec.structs.replace(settings.CONFIG, reports=reports)
        yield
    settings.REPORTS_DIR, settings.CONFIG = kept


if __name__ == "__main__":
    main()
