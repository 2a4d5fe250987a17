"""What Prometheus is told: requests, rows, rejections, and what collectors of other rooms read.

With PROMETHEUS_MULTIPROC_DIR (`manage.py up` sets it) the counts of all worker processes are added.
"""

import os
from collections import Counter as Tally
from collections.abc import Iterable, Mapping
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

_requests = Counter(
    "rowhouse_requests", "Requests answered", labelnames=("method", "route", "status")
)
_latency = Histogram(
    "rowhouse_request_seconds",
    "Time from a request's arrival at Django to its answer",
    labelnames=("method", "route"),
    buckets=_BUCKETS_S,
)
_rows = Counter(
    "rowhouse_rows", "Rows received by the ingest endpoint", labelnames=("table", "outcome")
)
_batches = Counter(
    "rowhouse_batches",
    "Batches by how their rows were validated (native, column, row) and written (copied, staged,"
    " isolated)",
    labelnames=("way",),
)
_rejections = Counter(
    "rowhouse_rejection_errors", "Reasons for which rows were rejected", labelnames=("code",)
)

# Each kind of metric has a file a process, mapped into memory; these are far larger than they get.
_FILE_BYTES = 1024 * 1024
_FILE_KINDS = ("counter", "histogram")

# A method is the client's own word: any other would be one more series.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def reserve_space(folder: Path) -> None:
    """Give this process's files in the shared folder all the space they will need.

    They are sparse otherwise, and the kernel kills a process that writes to a mapped hole on a
    full disk. Raises `OSError` where there is no space now.
    """
    for kind in _FILE_KINDS:
        with (folder / f"{kind}_{os.getpid()}.db").open("ab") as file:
            file.write(bytes(_FILE_BYTES))


def observe_request(*, method: str, route: str, status: int, seconds: float) -> None:
    """Count a request; `route` is the pattern that matched, not the address."""
    method = method if method in _METHODS else "other"
    _requests.labels(method, route, status).inc()
    _latency.labels(method, route).observe(seconds)


def count_refusal(method: str, status: int) -> None:
    """Count a request that was answered before it reached Django."""
    _requests.labels(method if method in _METHODS else "other", "", status).inc()


def count_batch(way: str) -> None:
    """Count a batch; `way` is how its rows were validated and written."""
    _batches.labels(way).inc()


def count_rows(table: str, outcomes: Mapping[str, int], codes: Iterable[str]) -> None:
    """Count a batch's rows by what became of them, and the codes of its rejections."""
    for outcome, rows in outcomes.items():
        if rows:
            _rows.labels(table, outcome).inc(rows)
    for code, errors in Tally(codes).items():
        _rejections.labels(code).inc(errors)


def write_metrics(collectors: Iterable[Collector], *, all_processes: bool) -> bytes:
    """Return the metrics as text, of this process alone or of all that share the folder.

    The collectors read what all processes share.
    """
    registry = CollectorRegistry()
    if all_processes:
        MultiProcessCollector(registry)
    for collector in collectors:
        registry.register(collector)
    own = b"" if all_processes else generate_latest(REGISTRY)
    return own + generate_latest(registry)
