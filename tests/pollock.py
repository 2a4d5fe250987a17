"""The shared part of the Pollock benchmark, and rows polluted as the benchmark does it."""

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

POLLOCK = Path(__file__).resolve().parents[2] / "shared/data/pollock"

_FIELD = re.compile(r'("(?:[^"]|"")*"|[^,]*)(?:,|$)')


def find_files() -> list[Path]:
    """Return the benchmark's files; none where the folder is absent."""
    return sorted(POLLOCK.glob("*/csv/*.csv"))


def read_parameters(path: Path) -> dict[str, Any]:
    """Return how a file is built."""
    folder = path.parents[1]
    told: dict[str, Any] = json.loads((folder / "parameters" / f"{path.name}.json").read_text())
    return told


def read_clean(path: Path) -> list[list[str]]:
    """Return the rows that a file has, without a header."""
    has_header = path.parents[1].name == "survey" or int(read_parameters(path)["header_lines"])
    text = (path.parents[1] / "clean" / path.name).read_text(encoding="utf-8", errors="replace")
    rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    return rows[1 if has_header else 0 :]


def pollute(text: str) -> Iterator[tuple[int, str]]:
    """Yield a clean text with one line polluted, and that line, counted from 1.

    A field gets a quote in front, a delimiter is lost or doubled, or the line has another one.
    """
    lines = text.splitlines()
    for number, line in enumerate(lines):
        fields = _FIELD.findall(line)[: line.count(",") + 1]
        fields = fields if ",".join(fields) == line else fields[:-1]
        for place in range(len(fields)):
            before, after = fields[:place], fields[place + 1 :]
            yield _replace(lines, number, ",".join([*before, f'"{fields[place]}', *after]))
            if place:
                joined = [*before[:-1], before[-1] + fields[place], *after]
                yield _replace(lines, number, ",".join(joined))
                yield _replace(lines, number, ",".join([*before, "", *fields[place:]]))
        for delimiter in (" ", ", ", ";", "\t"):
            yield _replace(lines, number, delimiter.join(fields))


def _replace(lines: list[str], number: int, line: str) -> tuple[int, str]:
    return number + 1, "\n".join([*lines[:number], line, *lines[number + 1 :]]) + "\n"
