"""The Metrics API over HTTP: trips of a week out of ten million, a day of vehicles, discovery."""

import argparse
import json
import statistics
import time
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from psycopg import Connection

from tests.bench.stage import Stage, set_stage
from tests.bench.table import Figure, print_figures

SQL = Path(__file__).with_name("metrics.sql")
BY_HAND = {
    "date_bin": "date_bin('1 hour', start_time, '2019-06-03T00:00Z')",
    "date_trunc": "date_trunc('hour', start_time, 'UTC')",
}
WEEK = {
    "metrics": ["trips.count"],
    "interval": "PT1H",
    "start_date": "2019-06-03T00:00Z",
    "end_date": "2019-06-09T23:00Z",
    "dimensions": ["vehicle_type"],
}
DAY = {
    "metrics": ["vehicles.available.avg"],
    "interval": "PT15M",
    "start_date": "2019-06-03T00:00Z",
    "end_date": "2019-06-03T23:45Z",
}


def fill(connection: Connection, trips: int) -> None:
    """Make trips of one year, and a day of 5,000 vehicles and 200,000 events."""
    for statement in SQL.read_text().split(";\n\n"):
        connection.execute(statement, {"trips": trips})


def measure(runs: int, act: Callable[[], Any]) -> float:
    """Return the median seconds of a call."""
    act()
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def send(stage: Stage, query: dict[str, Any] | None = None) -> Any:
    """Ask for metrics, or for discovery without a query; return the answer."""
    request = urllib.request.Request(
        f"{stage.url}/mds/metrics", data=json.dumps(query).encode() if query else None
    )
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read())


def bench_trips(stage: Stage, connection: Connection, runs: int) -> Figure:
    """Compare a week's trips by hour with the same counted by hand-written SQL."""

    def count_by_hand(hour: str) -> list[Any]:
        return connection.execute(
            f"SELECT {hour}, vehicle_type, count(*) FROM mds.trips"
            " WHERE start_time >= '2019-06-03T00:00Z' AND start_time < '2019-06-10T00:00Z'"
            " GROUP BY 1, 2 ORDER BY 1, 2"
        ).fetchall()

    counted = [row[2] for row in count_by_hand(BY_HAND["date_bin"])]
    if [row[2] for row in send(stage, WEEK)["rows"]] != counted:
        raise AssertionError("the counts differ")
    times = {name: measure(runs, partial(count_by_hand, hour)) for name, hour in BY_HAND.items()}
    best = min(times, key=lambda name: times[name])
    ours = measure(runs, lambda: send(stage, WEEK))
    return Figure(
        label="trips.count, a week by hour and type, ms",
        ours=ours * 1000,
        limit=times[best] * 1000,
        limit_name=f"SQL with {best}",
        ratio=ours / times[best],
    )


def main(arguments: list[str] | None = None) -> list[Figure]:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--trips", type=int, default=10_000_000)
    options: Any = parser.parse_args(arguments)
    with set_stage() as stage, stage.connect() as connection:
        fill(connection, options.trips)
        started = time.perf_counter()
        send(stage, DAY)
        first = time.perf_counter() - started
        figures = [
            bench_trips(stage, connection, options.runs),
            Figure(
                label="vehicles.available.avg, first after 200,000 events, ms", ours=first * 1e3
            ),
            Figure(
                label="vehicles.available.avg, a day by PT15M, ms",
                ours=measure(options.runs, lambda: send(stage, DAY)) * 1000,
            ),
            Figure(
                label="discovery, ms", ours=measure(options.runs * 5, lambda: send(stage)) * 1000
            ),
        ]
    print_figures(f"Metrics API over HTTP, {options.trips:,} trips (medians)", figures)
    return figures


if __name__ == "__main__":
    main()
