"""docs/promises.md names tests that exist, and all of tests/faults."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.findall(
    r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
)
HOW_FAULTS_ARE_SEEN = "tests/faults/test_history.py"


def functions(path: Path) -> set[str]:
    """Return the names of a module's own functions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(("file", "name"), sorted(set(NAMED)))
def test_a_promise_names_a_test_that_exists(file: str, name: str) -> None:
    assert (ROOT / file).is_file()
    assert name in functions(ROOT / file)


def test_every_fault_test_proves_a_promise() -> None:
    there = {
        (str(path.relative_to(ROOT)), name)
        for path in (ROOT / "tests" / "faults").glob("test_*.py")
        for name in functions(path)
        if name.startswith("test_")
    }
    unnamed = {one for one in there - set(NAMED) if one[0] != HOW_FAULTS_ARE_SEEN}
    assert unnamed == set()


def test_every_row_has_a_promise_a_mechanism_and_a_test() -> None:
    text = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    promises = [row for row in rows if not row.startswith("| promise ")]
    assert len(promises) > 40
    for row in promises:
        promise, mechanism, tests, _ = (cell.strip() for cell in row.strip("|").split("|"))
        assert promise, row
        assert mechanism, row
        assert "::" in tests, row
