"""`make bench`: every benchmark, one after the other; `python -m tests.bench NAME …` runs some."""

import argparse
import importlib
import pkgutil

import tests.bench
from tests.bench.table import Figure, keep_figures


def find_benchmarks() -> dict[str, str]:
    """Return the modules beside this one that have a `main`, by name."""
    names = [module.name for module in pkgutil.iter_modules(tests.bench.__path__)]
    modules = {name: f"tests.bench.{name}" for name in names if name != "__main__"}
    return {
        name: path
        for name, path in modules.items()
        if hasattr(importlib.import_module(path), "main")
    }


def main() -> None:
    """Run the named benchmarks, or all of them, and keep their figures as JSON."""
    benchmarks = find_benchmarks()
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *benchmarks], metavar="NAME")
    names = parser.parse_args().names or list(benchmarks)
    for name in names:
        figures: list[Figure] = importlib.import_module(benchmarks[name]).main([])
        keep_figures(name, figures)


if __name__ == "__main__":
    main()
