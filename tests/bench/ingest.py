"""Ingest over HTTP against the raw limit: the best of three hand-written ways on the same rows."""

import argparse
import itertools
from typing import Any

from tests.bench import shapes
from tests.bench.contest import (
    Contestant,
    empty,
    middle,
    race,
    rate,
    raw_contestants,
    rowhouse,
)
from tests.bench.stage import Stage, set_stage
from tests.bench.table import Figure, print_figures

# Batches a run: enough for a second or so.
BATCHES = {"narrow": 240, "wide": 80}


def run_grid(stage: Stage, runs: int) -> list[Figure]:
    """Return the figures of every shape, with foreign keys and without, for 1 and 4 clients."""
    figures = []
    for shape, keys, clients in itertools.product(("narrow", "wide"), (True, False), (1, 4)):
        table = f"{shape}_fk" if keys else shape
        contestants = [*raw_contestants(stage, shape, table), rowhouse(stage, table)]
        rates = _compare(stage, shape, table, contestants, clients, runs)
        label = f"{shape}, {'with' if keys else 'without'} foreign keys, clients: {clients}"
        figures.append(_against_limit(label, rates))
    return figures


def run_formats(stage: Stage, runs: int) -> list[Figure]:
    """Return how CSV, NDJSON and spoilt batches compare with clean JSON, one client."""
    table = "narrow_fk"
    others = {
        "CSV": rowhouse(stage, table, shapes.as_csv, "text/csv"),
        "NDJSON": rowhouse(stage, table, shapes.as_ndjson, "application/x-ndjson"),
        "10 % bad": rowhouse(stage, table, lambda rows: shapes.as_json(shapes.spoil(rows, 0.1))),
        "50 % bad": rowhouse(stage, table, lambda rows: shapes.as_json(shapes.spoil(rows, 0.5))),
        "100 % bad": rowhouse(stage, table, lambda rows: shapes.as_json(shapes.spoil(rows, 1))),
    }
    contestants = [rowhouse(stage, table)]
    contestants += [Contestant(name, one.prepare, one.open) for name, one in others.items()]
    rates = _compare(stage, "narrow", table, contestants, 1, runs)
    return [
        Figure(
            label=f"{name} against clean JSON, 1 client",
            limit=middle(rates["Rowhouse"]),
            limit_name="clean JSON",
            ours=middle(rates[name]),
            ratio=middle([a / b for a, b in zip(rates[name], rates["Rowhouse"], strict=True)]),
        )
        for name in others
    ]


def _compare(
    stage: Stage,
    shape: str,
    table: str,
    contestants: list[Contestant],
    clients: int,
    runs: int,
) -> dict[str, list[float]]:
    """Return each contestant's thousand rows a second in each run; they take turns."""
    rates: dict[str, list[float]] = {one.name: [] for one in contestants}
    for run in range(runs + 1):
        for one in contestants:
            empty(stage, table)
            seconds, rows = race(one, shapes.batches(shape, 1, BATCHES[shape]), clients)
            if run:  # the first one warms up
                rates[one.name].append(rate(seconds, rows))
    return rates


def _against_limit(label: str, rates: dict[str, list[float]]) -> Figure:
    raw = [name for name in rates if name != "Rowhouse"]
    best = max(raw, key=lambda name: middle(rates[name]))
    ratios = [
        ours / max(rates[name][run] for name in raw) for run, ours in enumerate(rates["Rowhouse"])
    ]
    return Figure(
        label=label,
        limit=middle(rates[best]),
        limit_name=best,
        ours=middle(rates["Rowhouse"]),
        ratio=middle(ratios),
    )


def main(arguments: list[str] | None = None) -> list[Figure]:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", choices=["grid", "formats"])
    options: Any = parser.parse_args(arguments)
    figures: list[Figure] = []
    with set_stage() as stage:
        with stage.connect() as connection:
            connection.execute(shapes.SHAPES.read_bytes())
        if options.only != "formats":
            figures += run_grid(stage, options.runs)
        if options.only != "grid":
            figures += run_formats(stage, options.runs)
        peak = stage.worker_peak_mib()
    print_figures("Ingest over HTTP, 1000-row batches (thousand rows/s, medians)", figures)
    print_figures("Memory", [Figure(label="peak of a worker, MiB", ours=peak)])
    return figures


if __name__ == "__main__":
    main()
