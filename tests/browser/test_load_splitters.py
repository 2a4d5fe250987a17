"""The load page's scripts split files into rows as the command line's loader does."""

import csv
import io
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

from ingest.loaders.formats.csv_rows import split_csv
from ingest.loaders.formats.json_rows import split_json
from ingest.loaders.formats.ndjson_rows import split_ndjson
from ingest.loaders.formats.rows import FileMalformed, Rows
from tests.browser.conftest import VisitMaker
from tests.column_names import SPELLINGS

CASES = 300
SEED = 5

# Split each text in blocks of several lengths: the rows, and whether there was damage.
SPLIT = """async ([script, name, texts]) => {
  const { [name]: Splitter } = await import(`/static/ingest/load/${script}.js`);
  return texts.map((text) => [1, 3, 7, 1000].map((length) => {
    const splitter = new Splitter();
    const rows = [];
    for (let at = 0; at < text.length; at += length) {
      rows.push(...splitter.split(text.slice(at, at + length)));
    }
    rows.push(...splitter.finish());
    return [rows.map(({ text, place }) => [text, place]), splitter.problem !== null];
  }));
}"""

Found = tuple[list[list[Any]], bool]
Split = Callable[[list[bytes]], Iterator[Rows]]


@pytest.fixture
def page(visit: VisitMaker) -> Page:
    """Return a page whose scripts may be imported."""
    page = visit().page
    page.goto("/login/")
    return page


def split(text: str, splitter: Split) -> Found:
    """Return what the command line's loader makes of a text."""
    rows: list[list[Any]] = []
    try:
        for piece in splitter([text.encode()]):
            places = zip(piece.texts, piece.places, strict=True)
            rows += [[row.decode(), place] for row, place in places]
    except FileMalformed:
        return rows, True
    return rows, False


def make_csv_texts() -> list[str]:
    chance = random.Random(SEED)
    parts = ["a", '"', '"', ",", "\n", "\r\n", "b", "é"]
    return ["".join(chance.choices(parts, k=chance.randrange(14))) for _ in range(CASES)]


def make_json_texts() -> list[str]:
    chance = random.Random(SEED)
    texts = []
    for _ in range(CASES):
        rows = ", ".join(make_value(chance, 3) for _ in range(chance.randrange(5)))
        other = make_value(chance, 2)
        around = f'{{"a": {other}, "rows" :\n[{rows}], "b": [1, {{"rows": []}}]}}'
        texts.append(chance.choice([f"[{rows}]", f" [{rows}]\n", around]))
    return texts


def make_value(chance: random.Random, depth: int) -> str:
    kind = chance.randrange(7 if depth else 5)
    if kind == 0:
        parts = ["a", "[", "{", "}", "]", ",", '\\"', "\\\\", "é", "rows"]
        return f'"{"".join(chance.choices(parts, k=chance.randrange(5)))}"'
    if kind < 5:
        return ["1.10", "null", " true ", '"rows"'][kind - 1]
    inner = [make_value(chance, depth - 1) for _ in range(chance.randrange(3))]
    if kind == 5:
        return f"[{', '.join(inner)}]"
    members = ", ".join(f'"k{place}": {value}' for place, value in enumerate(inner))
    return f"{{{members}}}"


def check_rows(page: Page, script: str, name: str, texts: list[str], splitter: Split) -> None:
    """Compare a script's rows with the command line's, for each length of blocks."""
    found = page.evaluate(SPLIT, [script, name, texts])
    for text, answers in zip(texts, found, strict=True):
        expected = split(text, splitter)
        for rows, is_damaged in answers:
            assert (rows, is_damaged) == expected, text


def test_csv_is_split_as_by_the_command_line(page: Page) -> None:
    texts = make_csv_texts()
    assert {is_damaged for _, is_damaged in (split(text, split_csv) for text in texts)} == {
        True,
        False,
    }
    check_rows(page, "csv", "CsvSplitter", texts, split_csv)


def test_json_is_split_as_by_the_command_line(page: Page) -> None:
    check_rows(page, "json", "JsonSplitter", make_json_texts(), split_json)


def test_lines_are_split_as_by_the_command_line(page: Page) -> None:
    texts = ['{"a": 1}\n\n {"b": 2} \r\n5', "\n", "", '{"a": "\u2028\u00a0"}\n']
    check_rows(page, "json", "LineSplitter", texts, split_ndjson)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "neither an array"),
        ("5", "neither an array"),
        ('{"row": [1]}', "neither an array"),
        ('{"rows": 5}', "neither an array"),
        ('[1, {"a": 1]', "cut short"),
        ("[1, 2", "cut short"),
        ('{"rows": [1]', "cut short"),
        ("[1,]", "a row is missing"),
        ("[,1]", "a row is missing"),
        ("[1, 2}]", "Row 1 (from 0)"),
        ('[{"a": 01}]', "Row 0 (from 0)"),
        ("[1] 2", "after the end"),
        ('{"rows": [1], "rows": [2]}', "more than one"),
    ],
)
def test_damaged_json_is_told(page: Page, text: str, problem: str) -> None:
    said = page.evaluate(
        """async (text) => {
          const { JsonSplitter } = await import("/static/ingest/load/json.js");
          const splitter = new JsonSplitter();
          splitter.split(text);
          splitter.finish();
          return splitter.problem;
        }""",
        text,
    )
    assert problem in said


def test_records_are_read_and_written_as_by_the_csv_module(page: Page) -> None:
    records = [row for text in make_csv_texts() for row, _ in split(text, split_csv)[0]]
    read = page.evaluate(
        """async (records) => {
          const { parseRecord, writeRecord } = await import("/static/ingest/load/csv.js");
          return records.map((record) => {
            const fields = parseRecord(record, ",");
            return [fields, writeRecord(fields)];
          });
        }""",
        records,
    )
    for record, (fields, written) in zip(records, read, strict=True):
        assert fields == parse(record), record
        assert parse(written) == fields, record


def parse(record: str) -> list[str]:
    return next(csv.reader(io.StringIO(record, newline=""), strict=True))


def test_headers_match_as_in_the_service(page: Page) -> None:
    columns = [
        {"name": "department_id", "required": True},
        {"name": "unique_key"},
        {"name": "deathConfirmed"},
        {"name": "twin_one"},
        {"name": "twinone"},
        {"name": "made", "read_only": True},
    ]
    header = ["DEPARTMENT_ID", "Unique Key", " deathConfirmed", "twinone", "TWIN ONE", "made", "x"]
    found = page.evaluate(
        """async ([header, columns]) => {
          const { matchHeader, findMissing } = await import("/static/ingest/load/mapping.js");
          const found = matchHeader(header, columns);
          return [found, findMissing(found.slice(1), columns)];
        }""",
        [header, columns],
    )
    assert found == [
        ["department_id", "unique_key", "deathConfirmed", "twinone", "", "", ""],
        ["department_id"],
    ]


def test_names_are_found_as_in_the_service(page: Page) -> None:
    found = page.evaluate(
        """async (cases) => {
          const { findNames } = await import("/static/ingest/load/mapping.js");
          return cases.map(([names, spelling]) => findNames(names, spelling));
        }""",
        [[one.names, one.spelling] for one in SPELLINGS],
    )
    assert found == [one.found for one in SPELLINGS]


def test_batches_keep_the_limits_and_every_row(page: Page) -> None:
    found = page.evaluate(
        """async () => {
          const { gatherBatches } = await import("/static/ingest/load/sending.js");
          async function* pieces() {
            yield ["aa", "b", "c"].map((text) => ({ text }));
            yield [];
            yield ["dddddd", "e", "f"].map((text) => ({ text }));
            throw new Error("damage");
          }
          const batches = [];
          try {
            const limits = { maxRows: 2, maxCharacters: 4 };
            for await (const { number, rows } of gatherBatches(pieces(), limits)) {
              batches.push([number, rows.map(({ text }) => text)]);
            }
          } catch (error) {
            batches.push(error.message);
          }
          return batches;
        }"""
    )
    assert found == [[0, ["aa", "b"]], [1, ["c"]], [2, ["dddddd"]], [3, ["e", "f"]], "damage"]
