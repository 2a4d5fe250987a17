"""Open311 searches over HTTP against the bare SQL, over a million incidents, one client."""

import argparse
import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from urllib.parse import urlencode

import psycopg

from tests.bench.stage import Stage, set_stage
from tests.bench.table import Figure, print_figures
from tests.bench.wire import open_wire

FILL = Path(__file__).with_suffix(".sql")
WARM_UP = 20
REST_S = 0.002

PAGE = """
SELECT incident_id, service_id, status_id, created, modified, latitude, longitude, description
FROM open311.incidents WHERE {} ORDER BY created DESC, incident_id DESC LIMIT 100
"""
COUNT = "SELECT count(*) FROM open311.incidents WHERE {}"
CRITERIA = {
    "where": (
        "latitude BETWEEN %(south)s AND %(north)s AND longitude BETWEEN %(west)s AND %(east)s"
    ),
    "service_id": "service_id = %(service_id)s",
    "created": "created >= %(start)s AND created < %(end)s",
}


@dataclass(frozen=True)
class Scale:
    """How much a search spans: the box's side in degrees, the days."""

    name: str
    degrees: tuple[float, float]
    days: tuple[int, int]


DISTRICT = Scale("district, weeks", (0.02, 0.11), (7, 91))
CITY = Scale("city, a year", (0.15, 0.4), (180, 366))


@dataclass(frozen=True)
class Question:
    """One search, as the API's parameters and as SQL."""

    parameters: dict[str, str]
    values: dict[str, Any]

    def sql(self, statement: str) -> str:
        """Return the statement with the conditions of this search."""
        return statement.format(" AND ".join(CRITERIA[name] for name in self.parameters))


def make_questions(count: int, names: tuple[str, ...], scale: Scale) -> list[Question]:
    """Return searches with the named criteria, the same ones each time."""
    chance = random.Random(311)
    questions = []
    for _ in range(count):
        south, west = chance.uniform(40.55, 40.8), chance.uniform(-74.1, -73.75)
        size = chance.uniform(*scale.degrees)
        start = datetime(2022, 1, 1, tzinfo=UTC) + timedelta(days=chance.randrange(1090))
        days = chance.randrange(*scale.days)
        service = 1 + int(200 * chance.random() ** 2)
        every = {
            "where": f"bbox:{south:.6f},{west:.6f},{south + size:.6f},{west + size:.6f}",
            "service_id": str(service),
            "created": f"{start:%Y-%m-%d};{start + timedelta(days=days - 1):%Y-%m-%d}",
        }
        values = {
            "south": round(south, 6),
            "west": round(west, 6),
            "north": round(south + size, 6),
            "east": round(west + size, 6),
            "service_id": service,
            "start": start,
            "end": start + timedelta(days=days),
        }
        questions.append(Question({name: every[name] for name in names}, values))
    return questions


def ask_sql(connection: psycopg.Connection, page: str, count: str, values: dict[str, Any]) -> int:
    """Return the total the bare SQL finds, after fetching the page."""
    connection.execute(page, values).fetchall()
    row = connection.execute(count, values).fetchone()
    return int(row[0]) if row else 0


@contextmanager
def open_api(stage: Stage) -> Iterator[Callable[[bytes], bytes]]:
    """Give a function that sends a request over one connection and returns the answer's text."""
    with open_wire(stage.host) as call:

        def ask(request: bytes) -> bytes:
            status, text = call(request)
            if status != 200:
                raise RuntimeError(f"{status}: {text[:500]!r}")
            return text

        yield ask


def write_request(method: str, parameters: dict[str, str]) -> bytes:
    """Return the request that calls a method."""
    query = urlencode({"method": f"open311.{method}", **parameters})
    return f"GET /open311/api?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def race(stage: Stage, questions: list[Question]) -> tuple[list[float], list[float]]:
    """Return the milliseconds of each search over HTTP and as bare SQL.

    They take turns in being first, who finds the pages less often in memory.
    """
    api, bare = [], []
    with open_api(stage) as call, psycopg.connect(stage.database_url, autocommit=True) as raw:
        for number, question in enumerate(questions):
            ask_api = partial(call, write_request("incidents.search", question.parameters))
            statements = question.sql(PAGE), question.sql(COUNT)
            ask_bare = partial(ask_sql, raw, *statements, question.values)
            if number % 2:
                text, api_ms = _time(ask_api)
                total, bare_ms = _time(ask_bare)
            else:
                total, bare_ms = _time(ask_bare)
                text, api_ms = _time(ask_api)
            answer = json.loads(text)
            if answer["total"] != total and "total_is_estimate" not in answer:
                raise RuntimeError(f"{question.parameters}: the API does not find {total}")
            if number >= WARM_UP:
                api.append(api_ms)
                bare.append(bare_ms)
    return api, bare


def _time(run: Callable[[], Any]) -> tuple[Any, float]:
    # What a service does after its answer must not slow down who is measured next.
    time.sleep(REST_S)
    started = time.perf_counter()
    value = run()
    return value, (time.perf_counter() - started) * 1000


def compare(stage: Stage, names: tuple[str, ...], scale: Scale, count: int) -> list[Figure]:
    """Return the figures of searches with the named criteria."""
    api, bare = race(stage, make_questions(count + WARM_UP, names, scale))
    label = " + ".join("bbox" if name == "where" else name for name in names)
    return [
        Figure(
            label=f"search by {label}, {scale.name}, {title}",
            ours=measure(api),
            limit=measure(bare),
            limit_name="bare SQL",
            ratio=measure(api) / measure(bare),
        )
        for title, measure in (("p50", median), ("p99", _percentile_99))
    ]


def measure_lists(stage: Stage, count: int) -> list[Figure]:
    """Return how long the list of services takes."""
    with open_api(stage) as call:
        ask = partial(call, write_request("services.getList", {}))
        taken = [_time(ask)[1] for _ in range(count + WARM_UP)][WARM_UP:]
    return [
        Figure(label="services.getList, p50", ours=median(taken)),
        Figure(label="services.getList, p99", ours=_percentile_99(taken)),
    ]


def _percentile_99(values: list[float]) -> float:
    return quantiles(values, n=100)[98]


def main(arguments: list[str] | None = None) -> list[Figure]:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--incidents", type=int, default=1_000_000)
    parser.add_argument("--searches", type=int, default=300)
    options = parser.parse_args(arguments)
    with set_stage() as stage:
        with stage.connect() as connection:
            with psycopg.ClientCursor(connection) as cursor:
                cursor.execute(FILL.read_bytes(), {"incidents": options.incidents, "seed": 0.311})
            connection.execute("VACUUM ANALYZE open311.incidents")
            connection.execute("ANALYZE open311.services")
        every = ("where", "service_id", "created")
        figures = compare(stage, every, DISTRICT, options.searches)
        figures += compare(stage, every, CITY, options.searches)
        figures += compare(stage, ("where", "created"), DISTRICT, options.searches)
        figures += compare(stage, ("where",), DISTRICT, options.searches)
        figures += measure_lists(stage, options.searches)
    print_figures(f"Open311, {options.incidents:,} incidents, 1 client (ms)", figures)
    return figures


if __name__ == "__main__":
    main()
