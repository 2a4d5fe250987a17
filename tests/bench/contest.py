"""Contestants that store the same batches: raw psycopg in three ways, and Rowhouse over HTTP."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier

from tests.bench import shapes
from tests.bench.stage import Stage
from tests.bench.wire import open_wire, write_post

# Stores one prepared batch.
Store = Callable[[Any], None]


@dataclass(frozen=True)
class Contestant:
    """A way to store batches: how they are prepared, and what each client opens."""

    name: str
    prepare: Callable[[list[shapes.Row]], Any]
    open: Callable[[], Any]  # a context manager that gives a `Store`


def race(
    contestant: Contestant, batches: Iterator[list[shapes.Row]], clients: int
) -> tuple[float, int]:
    """Return the seconds in which the clients stored all batches, and the rows they sent."""
    prepared = [contestant.prepare(batch) for batch in batches]
    shares = [prepared[number::clients] for number in range(clients)]
    barrier = threading.Barrier(clients + 1)
    failures: list[BaseException] = []

    def run(share: Sequence[Any]) -> None:
        try:
            with contestant.open() as store:
                barrier.wait()
                for batch in share:
                    store(batch)
        except BaseException as error:
            failures.append(error)
            barrier.abort()

    threads = [threading.Thread(target=run, args=[share]) for share in shares]
    for thread in threads:
        thread.start()
    barrier.wait()
    started = time.perf_counter()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    if failures:
        raise failures[0]
    return seconds, len(prepared) * shapes.BATCH_ROWS


def raw_contestants(stage: Stage, shape: str, table: str) -> list[Contestant]:
    """Return the three ways a hand-written script stores batches."""
    target = Identifier("bench", table)
    columns = list(shapes.MAKERS[shape](1))

    @contextmanager
    def connection() -> Iterator[psycopg.Connection]:
        with stage.connect() as opened:
            yield opened

    @contextmanager
    def copy_text() -> Iterator[Store]:
        with connection() as opened:
            statement = SQL("COPY {} FROM STDIN").format(target)

            def store(batch: bytes) -> None:
                with opened.transaction(), opened.cursor().copy(statement) as copy:
                    copy.write(batch)

            yield store

    @contextmanager
    def copy_binary() -> Iterator[Store]:
        # The rows' binary form is made by PostgreSQL itself when they are prepared.
        with connection() as opened:
            statement = SQL("COPY {} FROM STDIN (FORMAT binary)").format(target)

            def store(batch: bytes) -> None:
                with opened.transaction(), opened.cursor().copy(statement) as copy:
                    copy.write(batch)

            yield store

    def prepare_binary(rows: list[shapes.Row]) -> bytes:
        with connection() as opened, opened.transaction():
            scratch = SQL("CREATE TEMP TABLE scratch (LIKE {}) ON COMMIT DROP").format(target)
            opened.execute(scratch)
            with opened.cursor().copy("COPY scratch FROM STDIN") as copy:
                copy.write(shapes.as_copy_text(rows))
            with opened.cursor().copy("COPY scratch TO STDOUT (FORMAT binary)") as copy:
                return b"".join(bytes(part) for part in copy)

    @contextmanager
    def json_to_recordset() -> Iterator[Store]:
        with connection() as opened:
            row = opened.execute(
                "SELECT string_agg(format('%%I %%s', attname, format_type(atttypid, atttypmod)),"
                " ', ' ORDER BY attnum) FROM pg_attribute"
                " WHERE attrelid = %s::regclass AND attnum > 0",
                [f"bench.{table}"],
            ).fetchone()
            definition = row[0] if row else ""
            names = SQL(", ").join(map(Identifier, columns))
            statement = SQL(
                "INSERT INTO {} ({}) SELECT {} FROM json_to_recordset(%s::json) AS x({})"
            ).format(target, names, names, SQL(definition))

            def store(batch: str) -> None:
                with opened.transaction():
                    opened.execute(statement, [batch])

            yield store

    return [
        Contestant("COPY text", shapes.as_copy_text, copy_text),
        Contestant("COPY binary", prepare_binary, copy_binary),
        Contestant(
            "json_to_recordset", lambda rows: shapes.as_json(rows).decode(), json_to_recordset
        ),
    ]


def rowhouse(
    stage: Stage,
    table: str,
    prepare: Callable[[list[shapes.Row]], bytes] = shapes.as_json,
    content_type: str = "application/json",
) -> Contestant:
    """Return Rowhouse over HTTP with everything on: key, idempotency, receipt, logging."""
    address = f"/api/ingest/bench.{table}"
    headers = {"Authorization": f"Api-Key {stage.key}", "Content-Type": content_type}

    @contextmanager
    def client() -> Iterator[Store]:
        with open_wire(stage.host) as call:

            def store(batch: bytes) -> None:
                key = {"Idempotency-Key": str(uuid.uuid4())}
                status, text = call(write_post(address, headers | key, batch))
                if status not in {201, 207}:
                    raise RuntimeError(f"{status}: {text[:300]!r}")

            yield store

    return Contestant("Rowhouse", prepare, client)


def empty(stage: Stage, table: str) -> None:
    """Empty a benchmark table and what is recorded about it."""
    with stage.connect() as connection:
        connection.execute(
            SQL("TRUNCATE {}, service.batch, service.rejection, service.idempotency_key").format(
                Identifier("bench", table)
            )
        )
        connection.execute("CHECKPOINT")


def rate(seconds: float, rows: int) -> float:
    """Return thousands of rows a second."""
    return rows / seconds / 1000


def middle(values: Sequence[float]) -> float:
    """Return the median."""
    return float(median(values))
