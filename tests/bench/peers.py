"""Rowhouse beside what many would write by hand; needs `pip install -r requirements/peers.txt`."""

import argparse
import importlib.util
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.bench import shapes
from tests.bench.contest import Contestant, Store, empty, middle, race, rate, rowhouse
from tests.bench.stage import BASE, Stage, set_stage, wait_for
from tests.bench.table import Figure, print_figures
from tests.bench.wire import open_wire, write_post

TABLE = "narrow_fk"
BATCHES = 20

# The peers' servers, with two workers as Rowhouse has.
_granian = ("-m", "granian", "--interface", "wsgi", "--workers", "2", "--log-level", "error")
_uvicorn = ("-m", "uvicorn", "--workers", "2", "--log-level", "error")
PEERS = {
    "DRF ModelSerializer, bulk_create": (*_granian, "tests.bench.peer_apps.drf:application"),
    "FastAPI, SQLAlchemy core": (*_uvicorn, "tests.bench.peer_apps.fastapi_core:application"),
}


@contextmanager
def serve(stage: Stage, words: tuple[str, ...]) -> Iterator[int]:
    """Serve a peer; yield its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, *words, "--host", "127.0.0.1", "--port", str(port)],
        cwd=BASE,
        env=stage.environment | {"PEER_DATABASE_URL": stage.database_url},
    )
    try:
        wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait()


def peer(name: str, port: int) -> Contestant:
    """Return a peer as a contestant."""

    @contextmanager
    def client() -> Iterator[Store]:
        with open_wire(f"127.0.0.1:{port}") as call:

            def store(batch: bytes) -> None:
                headers = {"Content-Type": "application/json"}
                status, text = call(write_post("/employees", headers, batch))
                if status != 201:
                    raise RuntimeError(f"{status}: {text[:300]!r}")

            yield store

    return Contestant(name, shapes.as_json, client)


def main(arguments: list[str] | None = None) -> list[Figure]:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    options: Any = parser.parse_args(arguments)
    if importlib.util.find_spec("fastapi") is None:
        sys.stdout.write("\nPeers: left out, requirements/peers.txt is not installed\n")
        return []
    rates: dict[str, list[float]] = {}
    with set_stage() as stage:
        with stage.connect() as connection:
            connection.execute(shapes.SHAPES.read_bytes())
        for name, words in PEERS.items():
            with serve(stage, words) as port:
                _run(stage, [peer(name, port), rowhouse(stage, TABLE)], options.runs, rates)
    figures = [_compare(name, rates) for name in PEERS]
    print_figures("Peers: 1000-row JSON, two foreign keys, 1 client (thousand rows/s)", figures)
    return figures


def _run(
    stage: Stage, contestants: list[Contestant], runs: int, rates: dict[str, list[float]]
) -> None:
    for run in range(runs + 1):
        for one in contestants:
            empty(stage, TABLE)
            seconds, rows = race(one, shapes.batches("narrow", 1, BATCHES), 1)
            if run:  # the first one warms up
                rates.setdefault(one.name, []).append(rate(seconds, rows))


def _compare(name: str, rates: dict[str, list[float]]) -> Figure:
    ours, theirs = middle(rates["Rowhouse"]), middle(rates[name])
    return Figure(
        label=f"Rowhouse against {name}",
        ours=ours,
        limit=theirs,
        limit_name=name,
        ratio=ours / theirs,
    )


if __name__ == "__main__":
    main()
