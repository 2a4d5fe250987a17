"""Metrics as files declare them."""

from pathlib import Path

import pytest

from apis.metrics.definition import Aggregate, Extreme, Ratio, read_definitions
from apis.metrics.errors import DefinitionInvalid
from apis.metrics.registry import FOLDER

GOOD = """
table: a.b
time: t
dimensions: {kind: kind}
intervals: [P1D, PT1H]
each: {color: [red, blue]}
metrics:
  b.count: {value: count(*), type: integer}
  b.[color].count: {value: "count(*) FILTER (WHERE color = '[color]')", type: integer}
"""
COMBINED = """
ratios: {b.share: {of: [b.red.count], to: [b.count]}}
extremes: {b.least: {choose: min, of: b.count, over: PT1H, intervals: [P1D]}}
"""


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.yml").write_text(text)
    return folder


def test_a_placeholder_stands_for_each_word(tmp_path: Path) -> None:
    metrics = read_definitions(write(tmp_path, good=GOOD))
    assert list(metrics) == ["b.count", "b.red.count", "b.blue.count"]
    blue = metrics["b.blue.count"]
    assert isinstance(blue, Aggregate)
    assert blue.entry.value == "count(*) FILTER (WHERE color = 'blue')"
    assert [str(interval) for interval in blue.intervals] == ["PT1H", "P1D"]


def test_combined_metrics_have_what_their_parts_have_in_common(tmp_path: Path) -> None:
    other = GOOD.replace("b.", "c.").replace("PT1H", "PT15M").replace("{kind: kind}", "{}")
    combined = COMBINED.replace("to: [b.count]", "to: [c.count]")
    metrics = read_definitions(write(tmp_path, a=combined, b=GOOD, c=other))
    share, least = metrics["b.share"], metrics["b.least"]
    assert isinstance(share, Ratio)
    assert isinstance(least, Extreme)
    assert [str(interval) for interval in share.intervals] == ["P1D"]
    assert share.dimensions == frozenset()
    assert least.dimensions == {"kind"}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("time: t", "tiem: t"), "tiem"),
        (("P1D, PT1H", "P2D"), "day"),
        (("[color].count", "[shade].count"), "shade"),
        (("count(*), type: integer", "avg, type: integer"), "does not fit"),
        (("b.count:", "b.red.count:"), "declared twice"),
        (("type: integer}", "type: text}"), "text"),
        (("table: a.b", "table: b"), "table"),
    ],
)
def test_refuses_a_file_and_says_why(tmp_path: Path, change: tuple[str, str], problem: str) -> None:
    before, after = change
    with pytest.raises(DefinitionInvalid, match=problem):
        read_definitions(write(tmp_path, bad=GOOD.replace(before, after, 1)))


def test_refuses_a_combination_of_unknown_metrics(tmp_path: Path) -> None:
    with pytest.raises(DefinitionInvalid, match=r"b\.red\.count"):
        read_definitions(write(tmp_path, combined=COMBINED))


def test_the_definitions_of_the_project_can_be_read() -> None:
    assert len(read_definitions(FOLDER)) > 100
