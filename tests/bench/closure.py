"""Closure statistics over HTTP against the bare SQL, and what indexes do for a window of weeks."""

import argparse
import http.client
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode

import psycopg

from project.base.sql_files import read_sql
from tests.bench.stage import Stage, set_stage
from tests.bench.table import Figure, print_figures

ROWS = 5_000_000
EVERYTHING = "2020-01-01"
TWELVE_WEEKS = "2025-10-08"  # before the end of the generated years
WARM_UP = 30  # requests: each thread of each worker has a connection of its own
BARE = read_sql(Path(__file__).parent / "closure_bare.sql")
FILL = read_sql(Path(__file__).parent / "closure_fill.sql")
REPORT = "closure_by_complaint_type"
COVERING = (
    "CREATE INDEX candidate ON nyc311.service_requests"
    " (created_date) INCLUDE (agency, complaint_type, borough, status, closed_date)"
)
INDEXES = {
    "btree, covering": COVERING,
    "btree": "CREATE INDEX candidate ON nyc311.service_requests (created_date)",
    "BRIN": "CREATE INDEX candidate ON nyc311.service_requests USING brin (created_date)",
}


def run_service(stage: Stage, runs: int) -> list[Figure]:
    """Return the milliseconds of the endpoint beside those of the bare SQL, and of the page."""
    figures = []
    # Both keep their connection open. A window of weeks is quick, and is asked for more often.
    with stage.connect() as connection, closing(_open_service(stage)) as service:
        for _ in range(WARM_UP):
            _get_closure(stage, service, TWELVE_WEEKS)
        for label, since, times in (
            ("all requests", EVERYTHING, runs),
            ("twelve weeks", TWELVE_WEEKS, runs * 10),
        ):
            ours, bare = _race(
                partial(_get_closure, stage, service, since),
                partial(_run_bare, connection, since),
                times,
            )
            ratio = median(a / b for a, b in zip(ours, bare, strict=True))
            figures.append(
                Figure(
                    label=f"closure by agency and complaint type, {label}, ms",
                    ours=median(ours),
                    limit=median(bare),
                    limit_name="bare SQL",
                    ratio=ratio,
                )
            )
    return [*figures, *_run_report(stage, runs)]


def run_indexes(stage: Stage, runs: int) -> list[Figure]:
    """Return what twelve weeks cost with each candidate index instead of ours."""
    figures = []
    with stage.connect() as connection:
        connection.execute("DROP INDEX nyc311.service_requests_closure_idx")
        for name, statement in INDEXES.items():
            connection.execute(statement)
            connection.execute("VACUUM (ANALYZE) nyc311.service_requests")
            times = [_clock(lambda: _run_bare(connection, TWELVE_WEEKS)) for _ in range(runs + 1)]
            row = connection.execute(
                "SELECT pg_relation_size('nyc311.candidate') / 1048576.0"
            ).fetchone()
            figures.append(Figure(label=f"{name}: twelve weeks, ms", ours=median(times[1:])))
            figures.append(Figure(label=f"{name}: size, MiB", ours=float(row[0] if row else 0)))
            connection.execute("DROP INDEX nyc311.candidate")
    return figures


def _run_report(stage: Stage, runs: int) -> list[Figure]:
    headers = {"Authorization": f"Api-Key {stage.key}"}
    url = f"{stage.url}/api/reports/{REPORT}/refresh"
    refresh = urllib.request.Request(url, method="POST", headers=headers)
    refresh_ms = _clock(lambda: urllib.request.urlopen(refresh).read())
    page = f"{stage.url}/reports/{REPORT}/"
    times = [_clock(lambda: urllib.request.urlopen(page).read()) for _ in range(runs + 1)]
    return [
        Figure(label=f"refresh of {REPORT}, ms", ours=refresh_ms),
        Figure(
            label=f"page of {REPORT}, ms",
            ours=median(times[1:]),
            limit=300.0,
            limit_name="target",
            ratio=median(times[1:]) / 300.0,
        ),
    ]


def _race(
    ours: Callable[[], object], bare: Callable[[], object], runs: int
) -> tuple[list[float], list[float]]:
    """Return the milliseconds of each, which take turns in being first, after a warm-up."""
    ours_ms, bare_ms = [], []
    for run in range(runs + 1):
        if run % 2:
            ours_ms.append(_clock(ours))
            bare_ms.append(_clock(bare))
        else:
            bare_ms.append(_clock(bare))
            ours_ms.append(_clock(ours))
    return ours_ms[1:], bare_ms[1:]


def _open_service(stage: Stage) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(stage.url.removeprefix("http://"))


def _get_closure(stage: Stage, service: http.client.HTTPConnection, since: str) -> None:
    query = urlencode({"group_by": "agency,complaint_type", "since": since})
    headers = {"Authorization": f"Api-Key {stage.key}"}
    service.request("GET", f"/api/nyc311/closure?{query}", headers=headers)
    answer = service.getresponse()
    text = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{answer.status}: {text[:300]!r}")


def _run_bare(connection: psycopg.Connection, since: str) -> None:
    connection.execute(BARE, {"since": since}, prepare=False).fetchall()


def _clock(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return (time.perf_counter() - started) * 1000


def main(arguments: list[str] | None = None) -> list[Figure]:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--rows", type=int, default=ROWS)
    options: Any = parser.parse_args(arguments)
    with set_stage() as stage:
        with stage.connect() as connection:
            connection.execute(FILL, {"rows": options.rows})
            connection.execute("VACUUM (ANALYZE) nyc311.service_requests")
        figures = run_service(stage, options.runs)
        figures += run_indexes(stage, options.runs)
    print_figures(f"Closure statistics, {options.rows:,} requests", figures)
    return figures


if __name__ == "__main__":
    main()
