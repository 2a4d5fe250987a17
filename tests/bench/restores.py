"""Commands of backups beside pg_dump and pg_restore: `python -m tests.bench.restores`.

Whole commands, as a person runs them, with their start. The table of employees' shape has a
primary key, two indexes and two foreign keys. A ratio above 1 is faster than the peer.
"""

import argparse
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from project.server.postgres.server import start_server, stop_server
from tests.bench.backups import (
    DATABASE,
    PEER,
    ROOT,
    Bench,
    clear_peer,
    pg_dump,
    pg_restore,
    prepare,
    server_settings,
)
from tests.bench.table import Figure, print_figures

TABLE = "employees"
RENAME = "UPDATE hiring.employees SET employee_name = employee_name || 'x'"
EMPTY = "TRUNCATE hiring.employees"


@dataclass(frozen=True)
class Case:
    """What happened to the table since the backup, and what pg_restore has to do there."""

    label: str
    wanted: float
    change: str
    peer: str
    clear: str | None = None  # None: the table is not there

    @property
    def options(self) -> list[str]:
        """The options of pg_restore."""
        return [word for word in self.peer.split() if word.startswith("--")]


CASES = [
    Case("nothing changed", 0.8, "SELECT 1", "pg_restore --clean", "SELECT 1"),
    Case(
        "5 rows deleted",
        0.8,
        "DELETE FROM hiring.employees WHERE employee_id <= 5",
        "pg_restore --clean",
        "SELECT 1",
    ),
    Case(
        "1 % changed",
        0.8,
        f"{RENAME} WHERE employee_id % 100 = 0",
        "pg_restore --clean",
        "SELECT 1",
    ),
    Case("all rows changed", 0.5, RENAME, "pg_restore --data-only", EMPTY),
    Case("empty table", 0.9, EMPTY, "pg_restore --data-only", EMPTY),
    Case("table gone", 0.9, "DROP TABLE hiring.employees", "pg_restore"),
]


def main(arguments: list[str] | None = None) -> list[Figure]:
    """Run the benchmark and print its table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--repeat", type=int, default=3)
    options.add_argument("--case", action="append", help="a part of its label; repeatable")
    given = options.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="rowhouse-bench-") as folder:
        Path(folder).chmod(0o755)
        server = start_server(server_settings(Path(folder)))
        try:
            bench = Bench(server, Path(folder), given.rows, given.repeat, [TABLE])
            prepare(bench)
            figures = list(_measure(bench, given.case or [""]))
        finally:
            stop_server(server.settings)
    print_figures(f"Commands, {given.rows:,} rows, medians of {given.repeat}", figures)
    return figures


def _measure(bench: Bench, wanted: list[str]) -> list[Figure]:
    figures = []
    for codec in ("snappy", "deflate"):
        label = f"backup, {codec}"
        if any(part in label for part in wanted):
            backup = ["backup", "--table", TABLE, "--codec", codec]
            figures += bench.compare(
                label,
                lambda: _command(*backup),  # noqa: B023
                "pg_dump -Fc",
                lambda: pg_dump(bench, TABLE),
            )
    pg_dump(bench, TABLE)
    _command("backup", "--table", TABLE)
    clear_peer(bench)
    pg_restore(bench, TABLE)
    for case in CASES:
        if any(part in case.label for part in wanted):
            figures += _compare(bench, case)
    return figures


def _compare(bench: Bench, case: Case) -> list[Figure]:
    def clear() -> None:
        if case.clear is None:
            clear_peer(bench)
        else:
            bench.psql(PEER, f"--command={case.clear}")

    return bench.compare(
        f"{case.label}, wanted {case.wanted}",
        lambda: _command("restore", TABLE),
        case.peer,
        lambda: pg_restore(bench, TABLE, *case.options),
        clear,
        lambda: bench.psql(DATABASE, f"--command={case.change}", "--command=VACUUM ANALYZE"),
    )


def _command(*arguments: str) -> None:
    command = [sys.executable, "manage.py", *arguments]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
