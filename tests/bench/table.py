"""Figures of benchmarks, printed as a table and kept as JSON so that two runs can be compared."""

import dataclasses
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).resolve().parents[2] / "bench-results"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line: ours, beside the limit or peer that was measured in the same run."""

    label: str
    ours: float
    limit: float | None = None
    limit_name: str = ""
    ratio: float | None = None


def print_figures(title: str, figures: Sequence[Figure]) -> None:
    """Print the figures under a title."""
    width = max((len(figure.label) for figure in figures), default=0)
    lines = ["", title]
    for figure in figures:
        line = f"  {figure.label:{width}}  {figure.ours:9.2f}"
        if figure.limit is not None and figure.ratio is not None:
            line += f"  limit {figure.limit:9.2f} ({figure.limit_name})  ratio {figure.ratio:5.2f}"
        lines.append(line)
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def keep_figures(name: str, figures: Sequence[Figure]) -> Path:
    """Write the figures to bench-results/ and return the file."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps([dataclasses.asdict(figure) for figure in figures], indent=1))
    return path
