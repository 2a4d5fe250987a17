"""`manage.py load` as the tests run it, and the file that most of them load."""

import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from django.conf import settings

from ingest.loaders.order import RowOrder
from ingest.loaders.responses import OrderDescription, TableDescription
from tests.waiting import PATIENCE_S

# Of a table whose rows have nothing to do with each other.
UNORDERED = RowOrder(TableDescription([], OrderDescription(always=False)))


class Outcome(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


Load = Callable[..., Outcome]


def name_of(number: int) -> str:
    """Return the name of a thing: one in five has two lines, one a quote and a comma."""
    return {0: "two\nlines", 1: 'a "b", c'}.get(number % 5, f"name {number}")


def expected_rows(numbers: range = range(1, 26)) -> list[dict[str, str]]:
    """Return the things with these numbers as they are sent."""
    return [{"id": str(number), "name": name_of(number)} for number in numbers]


def by_id(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows in the order of their numbers."""
    return sorted(rows, key=lambda row: int(row["id"]))


def count(outcome: Outcome, what: str) -> int:
    """Return how many rows were, say, "inserted", as the command's last line tells."""
    found = re.search(rf"([\d,]+) {what}", outcome.out)
    assert found, outcome
    return int(found[1].replace(",", ""))


def start_manage(*arguments: str, stderr: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
    """Start manage.py in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
    )


def run_manage(*arguments: str, stdin: bytes = b"") -> Outcome:
    """Run manage.py to its end."""
    with start_manage(*arguments) as process:
        out, err = process.communicate(stdin, timeout=PATIENCE_S)
    return Outcome(process.returncode, out.decode(), err.decode())
