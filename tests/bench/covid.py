"""The COVID data API over HTTP: the publisher's final files loaded, built, and asked for."""

import argparse
import gzip
import http.client
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from psycopg import Connection

from tests.bench.stage import BASE, Stage, set_stage
from tests.bench.table import Figure, print_figures

DATA = BASE.parent / "shared" / "data" / "covid"
FOLDER = BASE / "db_setup" / "covid"
MAPPINGS = FOLDER / "mappings"
# What has to be loaded, in this order: table, file, mapping, further options.
FILES = (
    ("states", DATA / "states_info.json", "states_info", ()),
    ("population", DATA / "census_population_state.json", "population_states", ()),
    ("population", DATA / "census_population_us.json", "population_us", ("--format", "ndjson")),
    ("field_definitions", FOLDER / "field_definitions.json", None, ()),
    ("us_daily", DATA / "us_daily.json", "us_daily", ()),
    ("states_daily", DATA / "all-states-history.csv", "states_daily", ()),
)
ROWS = 20_780
HISTORY = "/covid/v2/states/history"


def run_command(stage: Stage, *arguments: str) -> float:
    """Run a management command on the stage; return the seconds it took."""
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=BASE, env=stage.environment, check=True
    )
    return time.perf_counter() - started


def load(stage: Stage) -> float:
    """Load every file; return the seconds the states' days took."""
    seconds = 0.0
    for table, path, mapping, further in FILES:
        options = ["--mapping", str(MAPPINGS / f"{mapping}.yml")] if mapping else []
        options += ["--url", stage.url, "--key", stage.key, "--quiet", *further]
        seconds = run_command(stage, "load", f"covid.{table}", str(path), *options)
    return seconds


def ask(stage: Stage, path: str, **headers: str) -> tuple[Any, bytes, float]:
    """Send a request on a connection of its own; return answer, body and milliseconds."""
    connection = http.client.HTTPConnection(stage.url.removeprefix("http://"))
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    started = time.perf_counter()
    connection.request("GET", path, headers=named)
    answer = connection.getresponse()
    body = answer.read()
    milliseconds = (time.perf_counter() - started) * 1000
    connection.close()
    return answer, body, milliseconds


def measure(runs: int, act: Callable[[], float]) -> float:
    """Return the median of what a call returns."""
    return statistics.median(act() for _ in range(runs))


def read_by_hand(connection: Connection) -> float:
    """Return the milliseconds it takes to read the rows' text from the database, and no more."""
    started = time.perf_counter()
    rows = connection.execute(
        "SELECT nested FROM reports.covid_days WHERE area <> 'US' ORDER BY date DESC, area"
    )
    text = ",".join(row[0] for row in rows)
    if text.count('"state":') != ROWS:
        raise AssertionError("rows are missing")
    return (time.perf_counter() - started) * 1000


def check(plain: bytes, packed: bytes) -> None:
    """Raise where the two answers are not the same rows, all of them."""
    if gzip.decompress(packed) != plain or len(json.loads(plain)["data"]) != ROWS:
        raise AssertionError("the answers differ")


def bench_history(stage: Stage, connection: Connection, runs: int) -> list[Figure]:
    """Return the figures of all states' days: the first answers, then medians."""
    _, packed, cold_packed = ask(stage, HISTORY, Accept_Encoding="gzip")
    _, plain, cold_plain = ask(stage, HISTORY)
    check(plain, packed)
    by_hand = measure(runs, lambda: read_by_hand(connection))
    warm = {
        name: measure(runs, lambda h=headers: ask(stage, HISTORY, **h)[2])  # type: ignore[misc]
        for name, headers in (("plain", {}), ("gzip", {"Accept_Encoding": "gzip"}))
    }
    sizes = {"plain": len(plain) / 2**20, "gzip": len(packed) / 2**20}
    figures = [
        Figure(label="states/history, gzip, the first answer, ms", ours=cold_packed),
        Figure(label="states/history, plain, the first of a size, ms", ours=cold_plain),
    ]
    return figures + [
        Figure(
            label=f"states/history, {name}, {sizes[name]:.0f} MiB, ms",
            ours=ours,
            limit=by_hand,
            limit_name="the text read from the database",
            ratio=ours / by_hand,
        )
        for name, ours in warm.items()
    ]


def bench_small(stage: Stage, runs: int) -> list[Figure]:
    """Return the figures of small answers."""
    etag = ask(stage, HISTORY)[0].headers["ETag"]
    paths = ("state/ca", "state/ca/simple", "state/ca/history", "us")
    figures = [
        Figure(
            label="304 for states/history, ms",
            ours=measure(runs, lambda: ask(stage, HISTORY, If_None_Match=etag)[2]),
        )
    ]
    return figures + [
        Figure(
            label=f"{path}, ms",
            ours=measure(runs, lambda p=path: ask(stage, f"/covid/v2/{p}")[2]),  # type: ignore[misc]
        )
        for path in paths
    ]


def main(arguments: list[str] | None = None) -> list[Figure]:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    options: Any = parser.parse_args(arguments)
    if not DATA.exists():
        sys.stdout.write(f"COVID data API: left out, there is no {DATA}\n")
        return []
    with set_stage() as stage, stage.connect() as connection:
        seconds = load(stage)
        figures = [
            Figure(label="all-states-history.csv, rows/s", ours=ROWS / seconds),
            Figure(label="refresh, s", ours=run_command(stage, "refresh_covid")),
            *bench_history(stage, connection, options.runs),
            *bench_small(stage, options.runs * 5),
            Figure(label="peak memory of a worker, MiB", ours=stage.worker_peak_mib()),
        ]
    print_figures(f"COVID data API over HTTP, {ROWS:,} rows (medians)", figures)
    return figures


if __name__ == "__main__":
    main()
