"""`manage.py load` of a large file against `psql \\copy` in transactions of 1000 rows."""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier

from project.server.postgres.cluster import program
from tests.bench import shapes
from tests.bench.contest import Contestant, empty, middle, race, raw_contestants, rowhouse
from tests.bench.stage import BASE, Stage, set_stage
from tests.bench.table import Figure, print_figures

TABLE = "narrow_fk"
GROWTH_BATCHES = 40


def write_file(path: Path, rows: int) -> None:
    """Write a CSV file of employees' shape."""
    with path.open("w") as file:
        file.write(",".join(shapes.narrow_row(1)) + "\n")
        for number in range(1, rows + 1):
            file.write(",".join(map(str, shapes.narrow_row(number).values())) + "\n")


def run_load(stage: Stage, path: Path) -> tuple[float, float]:
    """Return the seconds `manage.py load` took and its peak memory in MiB."""
    command = [sys.executable, "manage.py", "load", f"bench.{TABLE}", str(path), "--quiet"]
    command += ["--url", stage.url, "--key", stage.key]
    started = time.perf_counter()
    with _measured(command, stage) as peak:
        pass
    return time.perf_counter() - started, peak[0]


@contextmanager
def _measured(command: list[str], stage: Stage) -> Iterator[list[float]]:
    measured = ["/usr/bin/env", *command]
    process = subprocess.Popen(measured, cwd=BASE, env=stage.environment)
    peak = [0.0]
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        for line in _read(status):
            if line.startswith("VmHWM"):
                peak[0] = max(peak[0], int(line.split()[1]) / 1024)
        time.sleep(0.02)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    yield peak


def _read(status: Path) -> list[str]:
    try:
        return status.read_text().splitlines()
    except OSError:  # the process has just ended
        return []


def run_psql(stage: Stage, path: Path) -> float:
    """Return the seconds psql took to \\copy the same rows, a thousand in each transaction."""
    with tempfile.TemporaryDirectory() as folder:
        lines = path.read_text().splitlines(keepends=True)[1:]
        script = Path(folder) / "script.sql"
        with script.open("w") as file:
            for start in range(0, len(lines), shapes.BATCH_ROWS):
                file.write(f"\\copy bench.{TABLE} from stdin with (format csv)\n")
                file.writelines(lines[start : start + shapes.BATCH_ROWS])
                file.write("\\.\n")
        started = time.perf_counter()
        subprocess.run(
            [program("psql"), "-q", "-v", "ON_ERROR_STOP=1", "-f", script, stage.database_url],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        return time.perf_counter() - started


def run_growth(stage: Stage, filled: int, runs: int = 3) -> Figure:
    """Return how the cost of a row changes when the table holds many, ours and the limit's."""
    contestants = [*raw_contestants(stage, "narrow", TABLE), rowhouse(stage, TABLE)]
    before = _measure_costs(stage, contestants, 0, runs)
    after = _measure_costs(stage, contestants, filled, runs)
    raw = min((name for name in after if name != "Rowhouse"), key=lambda name: after[name])
    ours, limit = after["Rowhouse"] / before["Rowhouse"], after[raw] / before[raw]
    return Figure(
        label=f"cost per row with {filled:,} rows in the table, times that of an empty one",
        ours=ours,
        limit=limit,
        limit_name=raw,
        ratio=ours / limit,
    )


def _measure_costs(
    stage: Stage, contestants: list[Contestant], filled: int, runs: int
) -> dict[str, float]:
    """Return the seconds that a row takes each contestant, in turns on the same table."""
    empty(stage, TABLE)
    with stage.connect() as connection:
        _fill(connection, filled)
    costs: dict[str, list[float]] = {one.name: [] for one in contestants}
    first = filled + 1
    for run in range(runs + 1):
        for one in contestants:
            if not filled:
                empty(stage, TABLE)
            seconds, rows = race(one, shapes.batches("narrow", first, GROWTH_BATCHES), 1)
            first += rows
            if run:  # the first one warms up
                costs[one.name].append(seconds / rows)
    return {name: middle(seconds) for name, seconds in costs.items()}


def _fill(connection: psycopg.Connection, rows: int) -> None:
    # The rows refer to what is there: looking that up for each of them would take most of the time.
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute((Path(__file__).parent / "fill.sql").read_bytes(), [rows])
    connection.execute(SQL("ANALYZE {}").format(Identifier("bench", TABLE)))
    connection.execute("CHECKPOINT")


def main(arguments: list[str] | None = None) -> list[Figure]:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--growth", type=int, nargs="*", default=[1_000_000, 10_000_000])
    options: Any = parser.parse_args(arguments)
    figures: list[Figure] = []
    with set_stage() as stage, tempfile.TemporaryDirectory() as folder:
        with stage.connect() as connection:
            connection.execute(shapes.SHAPES.read_bytes())
        path = Path(folder) / "rows.csv"
        write_file(path, options.rows)
        ours, theirs, peaks = [], [], []
        for _ in range(options.runs):
            empty(stage, TABLE)
            seconds, peak = run_load(stage, path)
            ours.append(options.rows / seconds / 1000)
            peaks.append(peak)
            empty(stage, TABLE)
            theirs.append(options.rows / run_psql(stage, path) / 1000)
        ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
        figures.append(
            Figure(
                label=f"manage.py load of {options.rows:,} rows, thousand rows/s",
                ours=middle(ours),
                limit=middle(theirs),
                limit_name="psql \\copy, 1000-row transactions",
                ratio=middle(ratios),
            )
        )
        figures.append(Figure(label="peak memory of the loader, MiB", ours=max(peaks)))
        figures.append(Figure(label="peak memory of a worker, MiB", ours=stage.worker_peak_mib()))
        figures += [run_growth(stage, filled) for filled in options.growth]
    print_figures("Loading a file", figures)
    return figures


if __name__ == "__main__":
    main()
