"""`manage.py load --rejects`: the rejected rows as a file."""

import csv
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.integration.loading import (
    Load,
    count,
    name_of,
)
from tests.standin import StandIn
from tests.waiting import PATIENCE_S


def test_rejected_rows_are_written_in_file_order_with_their_lines(
    load: Load, standin: StandIn, things: str, tmp_path: Path
) -> None:
    standin.bad_ids = frozenset({"2", "4", "5", "6", "25"})
    second_batch = threading.Event()

    def answer_the_first_batch_last(rows: list[dict[str, Any]]) -> None:
        if rows[0]["id"] == "1":
            second_batch.wait(PATIENCE_S)
        elif rows[0]["id"] == "5":
            second_batch.set()

    standin.before_answer = answer_the_first_batch_last
    rejects = tmp_path / "rejects.csv"
    outcome = load(things, "--batch-size", "4", "--rejects", str(rejects))
    assert outcome.code == 3
    assert (count(outcome, "inserted"), count(outcome, "rejected")) == (20, 5)
    with rejects.open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["id", "name", "_line", "_codes", "_errors"]
    # Names whose number ends in 0 or 5 take two lines of the file.
    assert rows[1:] == [
        [str(number), name_of(number), str(line), "bad_value", "bad; id"]
        for number, line in [(2, 3), (4, 5), (5, 6), (6, 8), (25, 30)]
    ]


def test_the_first_reasons_are_told(load: Load, standin: StandIn, things: str) -> None:
    standin.bad_ids = frozenset(map(str, range(1, 9)))
    told = load(things, "--batch-size", "4").err.splitlines()
    assert told[0] == f'{things}, line 2: bad; id ("1")'
    assert len(told) == 5 + 1
    assert told[-1].startswith("… and 3 more")


def test_rejected_csv_rows_of_another_width_keep_all_fields(
    load: Load, standin: StandIn, tmp_path: Path
) -> None:
    standin.bad_ids = frozenset({"1", "2"})
    path = tmp_path / "a.csv"
    path.write_bytes(b"id,name,x\n1\n2,b,c,d\n")
    rejects = tmp_path / "rejects.csv"
    assert load(str(path), "--rejects", str(rejects)).code == 3
    assert rejects.read_text().splitlines()[1:] == [
        "1,,,2,bad_value,bad; id",
        "2,b,c,3,bad_value,bad; id,d",
    ]


@pytest.mark.parametrize(
    ("name", "content", "places"),
    [
        ("a.ndjson", b'{"id": 1.10}\n\n{"id":2}\n{"id": 3}', [{"line": 1}, {"line": 4}]),
        ("a.json", b'[{"id":\n1.10},{"id":2},{"id": 3}]', [{"index": 0}, {"index": 2}]),
    ],
)
def test_rejected_json_rows_are_written_as_they_are(
    load: Load, standin: StandIn, tmp_path: Path, name: str, content: bytes, places: Any
) -> None:
    standin.bad_ids = frozenset({"1.1", "3"})
    path = tmp_path / name
    path.write_bytes(content)
    rejects = tmp_path / "rejects.ndjson"
    assert load(str(path), "--rejects", str(rejects)).code == 3
    lines = rejects.read_text().splitlines()
    assert [line.partition('"row":')[2].partition(',"errors"')[0] for line in lines] == [
        '{"id": 1.10}',
        '{"id": 3}',
    ]
    for line, place in zip(map(json.loads, lines), places, strict=True):
        assert line == {**place, "row": line["row"], "errors": line["errors"]}
        assert line["errors"][0]["code"] == "bad_value"


def test_rejects_of_several_files_name_their_file(
    load: Load, standin: StandIn, tmp_path: Path
) -> None:
    standin.bad_ids = frozenset({"1", "4"})
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    paths[0].write_text("id,name\n1,a\n2,b\n")
    paths[1].write_text("id,name\n3,c\n4,d\n")
    rejects = tmp_path / "rejects.csv"
    assert load(*map(str, paths), "--rejects", str(rejects)).code == 3
    assert rejects.read_text().splitlines() == [
        "id,name,_file,_line,_codes,_errors",
        f"1,a,{paths[0]},2,bad_value,bad; id",
        f"4,d,{paths[1]},3,bad_value,bad; id",
    ]


def test_an_earlier_rejects_file_is_not_left_standing(
    load: Load, things: str, tmp_path: Path
) -> None:
    rejects = tmp_path / "rejects.csv"
    rejects.write_text("old")
    assert load(things, "--rejects", str(rejects)).code == 0
    assert rejects.read_text() == ""
