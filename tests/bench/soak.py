"""Many clients for many minutes: no error, memory that does not grow, answers within two seconds.

Ends with status 1 where one of these does not hold.
"""

import argparse
import http.client
import itertools
import json
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import mean, quantiles
from typing import Any

from tests.bench import shapes
from tests.bench.stage import Stage, set_stage
from tests.bench.table import Figure, print_figures

TABLE = "narrow_fk"
ROWS_A_CLIENT = 10**7
SPOILT_EVERY = 10
SAMPLE_S = 2.0
# Caches and pools fill up first: growth is counted from the second fifth on.
WARM_SHARE = 0.2

MOST_GROWTH = 0.10
LONGEST_P99_S = 2.0

Encoder = tuple[Callable[[list[shapes.Row]], bytes], str]
FORMATS: tuple[Encoder, ...] = (
    (shapes.as_json, "application/json"),
    (shapes.as_ndjson, "application/x-ndjson"),
    (shapes.as_csv, "text/csv"),
)
_COUNTS = """
SELECT (SELECT count(*) FROM bench.narrow_fk), (SELECT count(*) FROM service.rejection)
"""
_STORED = frozenset({201, 207})


@dataclass
class Tally:
    """What the clients saw; they share it."""

    seconds: list[float] = field(default_factory=list)
    inserted: int = 0
    rejected: int = 0
    errors: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, seconds: float, status: int, receipt: dict[str, Any]) -> None:
        """Note an answer."""
        with self._lock:
            self.seconds.append(seconds)
            if status not in _STORED or receipt["received"] != shapes.BATCH_ROWS:
                self.errors.append(f"{status}: {receipt}"[:300])
                return
            self.inserted += receipt["inserted"]
            self.rejected += receipt["rejected"]

    def fail(self, error: Exception) -> None:
        """Note that there was no answer."""
        with self._lock:
            self.errors.append(f"{type(error).__name__}: {error}")


def send_batches(stage: Stage, client: int, tally: Tally, over: threading.Event) -> None:
    """Send batches of all formats, some with bad rows, and read a receipt now and then."""
    connection = http.client.HTTPConnection(stage.url.removeprefix("http://"), timeout=60)
    key = {"Authorization": f"Api-Key {stage.key}"}
    for number in itertools.count():
        if over.is_set():
            return
        first = client * ROWS_A_CLIENT + number * shapes.BATCH_ROWS + 1
        (rows,) = shapes.batches("narrow", first, 1)
        encode, content_type = FORMATS[number % len(FORMATS)]
        if number % SPOILT_EVERY == 0:
            rows, encode, content_type = shapes.spoil(rows, 0.02), *FORMATS[0]
        body = encode(rows)
        headers = {"Content-Type": content_type, "Idempotency-Key": f"soak-{client}-{number}"}
        started = time.perf_counter()
        try:
            connection.request("POST", f"/api/ingest/bench.{TABLE}", body, key | headers)
            answer = connection.getresponse()
            receipt = json.loads(answer.read())
            tally.take(time.perf_counter() - started, answer.status, receipt)
            if number % SPOILT_EVERY == 0:
                connection.request("GET", f"/api/batches/{receipt['batch']}", headers=key)
                if json.loads(connection.getresponse().read()) != receipt:
                    raise ValueError("a receipt differs from its answer")
        except (OSError, ValueError, LookupError, http.client.HTTPException) as error:
            tally.fail(error)
            connection.close()


def service_mib(stage: Stage) -> float:
    """Return the memory that the service's processes alone hold."""
    processes = [stage.server, *stage.server.children(recursive=True)]
    return sum(int(process.memory_full_info().uss) for process in processes) / 1024**2


def soak(stage: Stage, clients: int, minutes: float) -> tuple[Tally, list[float]]:
    """Return the clients' tally and the memory at every sample, in MiB."""
    tally, over = Tally(), threading.Event()
    threads = [
        threading.Thread(target=send_batches, args=[stage, client, tally, over], daemon=True)
        for client in range(clients)
    ]
    for thread in threads:
        thread.start()
    samples: list[float] = []
    end = time.monotonic() + minutes * 60
    while time.monotonic() < end:
        time.sleep(SAMPLE_S)
        samples.append(service_mib(stage))
    over.set()
    for thread in threads:
        thread.join()
    return tally, samples


def memory_growth(samples: list[float]) -> float:
    """Return by how much the last fifth of the samples exceeds the second one."""
    fifth = max(1, round(len(samples) * WARM_SHARE))
    return mean(samples[-fifth:]) / mean(samples[fifth : 2 * fifth]) - 1


def find_faults(stage: Stage, tally: Tally, growth: float, p99_s: float) -> list[str]:
    """Return what did not hold."""
    faults = tally.errors[:10]
    with stage.connect() as connection:
        stored = connection.execute(_COUNTS).fetchall()
    if stored != [(tally.inserted, tally.rejected)]:
        faults.append(f"{stored} rows are stored and rejected, receipts say {tally}"[:300])
    if growth > MOST_GROWTH:
        faults.append(f"memory grew by {growth:.1%}")
    if p99_s > LONGEST_P99_S:
        faults.append(f"p99 is {p99_s:.2f} s")
    return faults


def main(arguments: list[str] | None = None) -> list[Figure]:
    """Run it, print and return the figures; exit with status 1 where something did not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--minutes", type=float, default=10)
    options: Any = parser.parse_args(arguments)
    with set_stage() as stage:
        with stage.connect() as connection:
            connection.execute(shapes.SHAPES.read_bytes())
        tally, samples = soak(stage, options.clients, options.minutes)
        growth = memory_growth(samples)
        cuts = quantiles(tally.seconds, n=100)
        faults = find_faults(stage, tally, growth, cuts[98])
    figures = [
        Figure(label="batches of 1000 rows", ours=len(tally.seconds)),
        Figure(label="rows rejected", ours=tally.rejected),
        Figure(label="errors", ours=len(tally.errors)),
        Figure(label="thousand rows/s", ours=tally.inserted / options.minutes / 60_000),
        Figure(label="p50, s", ours=cuts[49]),
        Figure(label="p99, s", ours=cuts[98]),
        Figure(label="longest, s", ours=max(tally.seconds)),
        Figure(label="memory at the end, MiB", ours=samples[-1]),
        Figure(label="memory growth, %", ours=100 * growth),
    ]
    print_figures(f"{options.clients} clients, {options.minutes:g} minutes", figures)
    sys.stdout.write("".join(f"  fault: {fault}\n" for fault in faults))
    if faults:
        sys.exit(1)
    return figures


if __name__ == "__main__":
    main()
