"""A file has one outcome, wherever its batches begin and however many of them are in flight."""

import csv
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.management.commands.load import Command
from tests.api.sending import execute, stored
from tests.scale import is_short, scale

pytestmark = pytest.mark.usefixtures("database")

Row = dict[str, Any]
Load = Callable[..., int]

# Batch sizes and requests in flight; the first is the model.
WAYS = [(1, 1), (1, 8), (7, 4), (7, 8), (1000, 1)]


@pytest.fixture
def load(server: str, api_key: Callable[..., str]) -> Load:
    """Return a function that runs `manage.py load` on the service and returns its exit code."""
    key = api_key("read", "ingest")

    def run(*arguments: str) -> int:
        try:
            Command().run_from_argv(
                ["manage.py", "load", *arguments, "--url", server, "--key", key, "--quiet"]
            )
        except SystemExit as leaving:
            return int(leaving.code or 0)
        return 0

    return run


def write_csv(path: Path, rows: list[Row]) -> str:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def read_rejects(path: Path) -> list[tuple[int, str]]:
    """Return the line and the codes of each rejected row; a repeated key has one code here.

    That a row refers to one that is rejected too is told where both are in one batch only, if the
    row has other faults.
    """
    with path.open(newline="") as file:
        rejects = list(csv.DictReader(file))
    return sorted((int(row["_line"]), _name_codes(row["_codes"].split())) for row in rejects)


def _name_codes(codes: list[str]) -> str:
    names = {"duplicate_key" if code == "duplicate_in_batch" else code for code in codes}
    return " ".join(sorted(names - {"fk_violation"} or names))


@st.composite
def files(draw: st.DrawFn) -> list[Row]:
    """Return rows with repeated keys; one whose keys are its own may refer to any other."""
    keys = st.tuples(st.integers(0, 12), st.sampled_from(["", "a", "b", "c"]))
    chosen = draw(st.lists(keys, min_size=1, max_size=30))
    numbers, codes = Counter(key for key, _ in chosen), Counter(code for _, code in chosen)
    rows = []
    for number, code in chosen:
        is_alone = numbers[number] == 1 and (not code or codes[code] == 1)
        boss = draw(st.integers(0, 12)) if is_alone and draw(st.booleans()) else ""
        n = draw(st.integers(80, 99))
        rows.append({"id": number, "code": code, "boss": boss, "n": n})
    return rows


@settings(
    max_examples=scale(6),
    derandomize=is_short(),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rows=files(), mode=st.sampled_from(["reject", "ignore", "update"]))
def test_borders_are_invisible(load: Load, tmp_path: Path, rows: list[Row], mode: str) -> None:
    path, rejects = write_csv(tmp_path / "nodes.csv", rows), tmp_path / "rejects.csv"
    outcomes = []
    for size, in_flight in WAYS:
        execute("DROP TABLE IF EXISTS hiring.nodes")
        execute(
            "CREATE TABLE hiring.nodes (id int PRIMARY KEY, code text UNIQUE,"
            " boss int REFERENCES hiring.nodes, n int CHECK (n < 95))"
        )
        options = ["--batch-size", str(size), "--in-flight", str(in_flight)]
        load("nodes", path, "--on-conflict", mode, "--rejects", str(rejects), *options)
        table = stored("SELECT * FROM hiring.nodes ORDER BY id")
        outcomes.append((table, read_rejects(rejects)))
    for way, outcome in zip(WAYS[1:], outcomes[1:], strict=True):
        assert outcome == outcomes[0], way


def test_a_later_file_has_the_last_word(load: Load, tmp_path: Path) -> None:
    execute("CREATE TABLE hiring.made (id int PRIMARY KEY, n int)")
    paths = [
        write_csv(tmp_path / f"{n}.csv", [{"id": number, "n": n} for number in range(400)])
        for n in range(3)
    ]
    load("made", *paths, "--on-conflict", "update", "--batch-size", "50", "--in-flight", "8")
    assert stored("SELECT DISTINCT n FROM hiring.made") == [(2,)]


def test_the_first_row_of_a_key_is_kept(load: Load, tmp_path: Path) -> None:
    execute("CREATE TABLE hiring.made (id int PRIMARY KEY, n int)")
    rows = [{"id": number % 20, "n": number} for number in range(400)]
    path = write_csv(tmp_path / "made.csv", rows)
    load("made", path, "--on-conflict", "ignore", "--batch-size", "10", "--in-flight", "8")
    assert stored("SELECT count(*) FROM hiring.made WHERE n = id") == [(20,)]


def test_rows_that_refer_to_later_ones_are_stored_at_the_end(load: Load, tmp_path: Path) -> None:
    execute(
        "CREATE TABLE hiring.nodes (id int PRIMARY KEY, boss int REFERENCES hiring.nodes, n int)"
    )
    rows: list[Row] = [{"id": n, "boss": n + 1, "n": 1} for n in range(1, 100)]
    rows += [{"id": 100, "boss": "", "n": 1}, {"id": 200, "boss": 201, "n": 1}]
    path, rejects = write_csv(tmp_path / "nodes.csv", rows), tmp_path / "rejects.csv"
    code = load("nodes", path, "--batch-size", "7", "--rejects", str(rejects))
    assert code == 3
    assert stored("SELECT count(*) FROM hiring.nodes") == [(100,)]
    assert read_rejects(rejects) == [(102, "fk_violation")]
    states = stored("SELECT state, count(*) FROM service.rejection GROUP BY 1 ORDER BY 1")
    assert dict(states)["open"] == 1


@pytest.mark.parametrize("name", ["nodes.ndjson", "nodes.json"])
def test_json_keeps_its_order_too(load: Load, tmp_path: Path, name: str) -> None:
    execute("CREATE TABLE hiring.made (id uuid PRIMARY KEY, n int)")
    spellings = ["0d7a3a7c-0000-4000-8000-000000000001", "0D7A3A7C-0000-4000-8000-000000000001"]
    rows = [{"n": n, "id": spellings[n % 2]} for n in range(60)]
    path = tmp_path / name
    lines = name.endswith("ndjson")
    path.write_text("\n".join(map(json.dumps, rows)) if lines else json.dumps(rows))
    load("made", str(path), "--on-conflict", "update", "--batch-size", "1", "--in-flight", "8")
    assert stored("SELECT n FROM hiring.made") == [(59,)]


def test_what_only_the_database_can_tell_is_sent_one_after_the_other(
    load: Load, tmp_path: Path
) -> None:
    execute("CREATE TABLE hiring.made (name text, n int)")
    execute("CREATE UNIQUE INDEX ON hiring.made (lower(name))")
    rows = [{"name": "aA"[number % 2], "n": number} for number in range(100)]
    path, rejects = write_csv(tmp_path / "made.csv", rows), tmp_path / "rejects.csv"
    load("made", path, "--batch-size", "1", "--in-flight", "8", "--rejects", str(rejects))
    assert stored("SELECT n FROM hiring.made") == [(0,)]
