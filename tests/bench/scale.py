"""What growth costs: web processes, PgBouncer, receipts, a large target (`make bench-scale`).

Not among those of `make bench`: it takes a quarter of an hour.
"""

import argparse
from contextlib import ExitStack
from pathlib import Path
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
from tests.bench.load import run_growth
from tests.bench.stage import Stage, serve_beside, set_stage
from tests.bench.table import Figure, keep_figures, print_figures

TABLE = "narrow_fk"
RECEIPTS = Path(__file__).parent / "receipts.sql"


def run_processes(stage: Stage, processes: list[int], batches: int, runs: int) -> list[Figure]:
    """Return the rate of so many web processes beside the raw limit's with as many connections."""
    figures = []
    for count in processes:
        with serve_beside(stage, workers=count) as served:
            contestants = [*raw_contestants(stage, "narrow", TABLE), rowhouse(served, TABLE)]
            rates: dict[str, list[float]] = {one.name: [] for one in contestants}
            for run in range(runs + 1):
                for one in contestants:
                    # Twice as many clients keep a process busy while an answer is on its way.
                    clients = 2 * count if one.name == "Rowhouse" else count
                    figure = _measure(stage, one, batches, clients)
                    if run:  # the first one warms up
                        rates[one.name].append(figure)
        raw = max((name for name in rates if name != "Rowhouse"), key=lambda n: middle(rates[n]))
        figures.append(_ratio(f"web processes: {count}", rates["Rowhouse"], raw, rates[raw]))
    return figures


def run_pooler(stage: Stage, batches: int, runs: int) -> list[Figure]:
    """Return the rate through PgBouncer beside the direct one, for tables with keys and without."""
    figures = []
    with ExitStack() as stack:
        direct = stack.enter_context(serve_beside(stage, workers=2))
        pooled = stack.enter_context(serve_beside(stage, workers=2, pooled=True))
        for table in (TABLE, "narrow"):
            rates: dict[str, list[float]] = {"direct": [], "pooled": []}
            ways = {"direct": rowhouse(direct, table), "pooled": rowhouse(pooled, table)}
            for run in range(runs + 1):
                for name, one in ways.items():
                    figure = _measure(stage, one, batches, 4, table)
                    if run:
                        rates[name].append(figure)
            label = f"through PgBouncer, {table}, 4 clients"
            figures.append(_ratio(label, rates["pooled"], "direct", rates["direct"]))
    return figures


def run_receipts(stage: Stage, counts: list[int], batches: int, runs: int) -> list[Figure]:
    """Return the rate beside so many receipts and keys, and that of the beginning."""
    one = rowhouse(stage, TABLE)
    _measure(stage, one, batches, 4)
    figures = []
    for count in counts:
        rates: dict[int, list[float]] = {0: [], count: []}
        for _ in range(runs):
            for filled in rates:
                rates[filled].append(_measure(stage, one, batches, 4, receipts=filled))
        figures.append(_ratio(f"receipts before: {count:,}", rates[count], "none", rates[0]))
    return figures


def _measure(
    stage: Stage,
    one: Contestant,
    batches: int,
    clients: int,
    table: str = TABLE,
    *,
    receipts: int = 0,
) -> float:
    empty(stage, table)
    if receipts:
        with stage.connect() as connection:
            connection.execute(RECEIPTS.read_bytes(), [receipts])
            connection.execute("ANALYZE service.batch, service.idempotency_key")
            connection.execute("CHECKPOINT")
    seconds, rows = race(one, shapes.batches("narrow", 1, batches), clients)
    return rate(seconds, rows)


def _ratio(label: str, ours: list[float], name: str, limit: list[float]) -> Figure:
    ratios = [a / b for a, b in zip(ours, limit, strict=True)]
    return Figure(
        label=label,
        ours=middle(ours),
        limit=middle(limit),
        limit_name=name,
        ratio=middle(ratios),
    )


def run_all(arguments: list[str] | None = None) -> list[Figure]:
    """Run the benchmark and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--batches", type=int, default=120)
    parser.add_argument("--processes", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--receipts", type=int, nargs="*", default=[1_000, 10_000, 100_000])
    parser.add_argument("--target", type=int, nargs="*", default=[10_000_000])
    options: Any = parser.parse_args(arguments)
    with set_stage() as stage:
        with stage.connect() as connection:
            connection.execute(shapes.SHAPES.read_bytes())
        batches, runs = options.batches, options.runs
        rates = run_processes(stage, options.processes, batches, runs)
        rates += run_pooler(stage, batches, runs)
        rates += run_receipts(stage, options.receipts, batches, runs)
        growth = [run_growth(stage, rows) for rows in options.target]
    print_figures("1000-row batches with two foreign keys (thousand rows/s, medians)", rates)
    print_figures("A large target", growth)
    return rates + growth


if __name__ == "__main__":
    keep_figures("scale", run_all())
