"""Files of the Pollock benchmark read without an option: ours, DuckDB's reader and CleverCSV."""

import re
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, field
from pathlib import Path

import clevercsv
import duckdb

from ingest.files.csv_inspection import read_csv_sample
from ingest.files.sample import read_sample
from ingest.loaders.formats.csv_rows import parse_records
from ingest.loaders.formats.foreign_csv import CsvPlan, split_foreign
from ingest.loaders.formats.rows import FileMalformed
from tests.bench.table import Figure
from tests.pollock import find_files, read_clean, read_parameters

# Rows of one file that are compared with each other where none is the same.
_MOST_COMPARED = 200

Rows = list[list[str]]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader makes of a file; the dialect without a word of it is None."""

    delimiter: str = ""
    quote: str = ""
    preamble: int = 0
    header: int = 0
    rows: Rows = field(default_factory=list)
    rejected: int = 0


@dataclass(slots=True)
class Score:
    """Files, and cells of them, that were read rightly and wrongly."""

    files: int = 0
    dialects: int = 0
    cells: int = 0
    right: int = 0
    rejected: int = 0
    wrong: int = 0

    def __add__(self, other: "Score") -> "Score":
        return Score(*map(sum, zip(astuple(self), astuple(other), strict=True)))


def read_ours(path: Path) -> Reading:
    """Read a file as the loader does; rejected rows are those that the service would reject."""
    read = read_csv_sample(read_sample(str(path)))
    dialect, structure = read.found.dialect, read.structure
    plan = CsvPlan(
        dialect=dialect,
        width=structure.width,
        first_line=structure.first_line,
        titles=structure.titles,
    )
    rows: Rows = []
    try:
        for chunk in split_foreign([path.read_bytes()], plan):
            rows += parse_records(chunk.texts, plan.delimiter)
    except FileMalformed:
        pass
    return Reading(
        dialect.delimiter if structure.width > 1 else "",
        dialect.quote or "",
        structure.preamble_lines,
        structure.header_lines,
        [row for row in rows if len(row) == structure.width],
        sum(len(row) != structure.width for row in rows),
    )


def read_duckdb(path: Path) -> Reading:
    """Read a file with DuckDB's reader as its sniffer finds it, every value as a text."""
    connection = duckdb.connect()
    sniffed = "SELECT Delimiter, Quote, Escape, SkipRows, HasHeader FROM sniff_csv($path)"
    read = (
        "SELECT * FROM read_csv($path, all_varchar = true, delim = $delimiter, quote = $quote,"
        " escape = $escape, skip = $skip, header = $header)"
    )
    try:
        (found,) = connection.execute(sniffed, {"path": str(path)}).fetchall()
        delimiter, quote, escape, skip, header = found
        quote, escape = (mark.strip("\0").replace("(empty)", "") for mark in (quote, escape))
        options = {
            "path": str(path),
            "delimiter": delimiter,
            "quote": quote,
            "escape": escape,
            "skip": skip,
            "header": header,
        }
        found_rows = connection.execute(read, options).fetchall()
    except (duckdb.Error, UnicodeDecodeError):
        return Reading()
    rows = [[value or "" for value in row] for row in found_rows]
    return Reading(delimiter, quote, skip, int(header), rows)


def read_clevercsv(path: Path) -> Reading:
    """Read a file with CleverCSV; it knows no preamble."""
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        dialect = clevercsv.Detector().detect(text)
        header = bool(text) and clevercsv.Detector().has_header(text)
        rows = clevercsv.read_table(str(path), dialect=dialect)
    except (clevercsv.Error, StopIteration, TypeError, AttributeError):
        return Reading()
    if dialect is None:
        return Reading()
    return Reading(
        dialect.delimiter or "", dialect.quotechar or "", 0, int(header), rows[int(header) :]
    )


READERS: dict[str, Callable[[Path], Reading]] = {
    "ours": read_ours,
    "DuckDB": read_duckdb,
    "CleverCSV": read_clevercsv,
}


def score_file(path: Path, read: Callable[[Path], Reading]) -> Score:
    """Return how well a file was read."""
    told, clean = read_parameters(path), read_clean(path)
    reading = read(path)
    wanted = (told["delimiter"], int(told["preamble_lines"]), int(told["header_lines"]))
    is_right = (reading.delimiter, reading.preamble, reading.header) == wanted
    # Where no field stands in quotes, the usual quote is as good as none.
    is_quote = reading.quote == told["quotechar"] or (not told["quotechar"], reading.quote) == (
        True,
        '"',
    )
    cells = sum(map(len, clean))
    right, wrong = _compare(reading.rows, clean)
    width = max(map(len, clean), default=0)
    rejected = min(reading.rejected * width, cells - right)
    return Score(1, int(is_right and is_quote), cells, right, rejected, wrong)


def _compare(rows: Rows, clean: Rows) -> tuple[int, int]:
    """Return how many cells of the rows are those of a clean row, and how many are not."""
    expected = Counter(map(_trim, clean))
    others = []
    right = wrong = 0
    for row in map(_trim, rows):
        if expected[row]:
            expected[row] -= 1
            right += len(row)
        else:
            others.append(row)
    left = list(expected.elements())
    for row in others:
        match = max(left[:_MOST_COMPARED], key=lambda each: _count_equal(row, each), default=())
        equal = _count_equal(row, match)
        right += equal
        wrong += len(row) - equal
        if match:
            left.remove(match)
    return right, wrong


def _trim(row: Sequence[str]) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in row)


def _count_equal(row: Sequence[str], other: Sequence[str]) -> int:
    return sum(a == b for a, b in zip(row, other, strict=False))


def name_kind(path: Path) -> str:
    """Return the kind of a file's pollution, which its name tells."""
    if path.parents[1].name == "survey":
        return "survey"
    return re.sub(r"(_\d+_0x20|\d+_col\d+|_0x.*|_\d+)?\.csv$", "", path.name)


def main(arguments: list[str]) -> list[Figure]:
    """Print the table of kinds and return the figures."""
    scores: dict[str, dict[str, Score]] = {}
    for path in find_files():
        kinds = scores.setdefault(name_kind(path), {name: Score() for name in READERS})
        for name, read in READERS.items():
            kinds[name] += score_file(path, read)
    totals = {name: sum((kinds[name] for kinds in scores.values()), Score()) for name in READERS}
    _print_table(scores | {"all": totals})
    return [
        Figure(label=f"dialects right, %: {name}", ours=100 * each.dialects / max(each.files, 1))
        for name, each in totals.items()
    ] + [
        Figure(label=f"cells silently wrong: {name}", ours=each.wrong)
        for name, each in totals.items()
    ]


def _print_table(scores: dict[str, dict[str, Score]]) -> None:
    head = "".join(f"  {name:>9} right  wrong rejected" for name in READERS)
    lines = [
        f"{'kind':26}{'files':>6}{head}",
        f"{'':32}" + "    dialect  cells  cells    cells" * 3,
    ]
    for kind, by_reader in scores.items():
        files = next(iter(by_reader.values())).files
        lines.append(f"{kind:26}{files:6}" + "".join(map(_show, by_reader.values())))
    sys.stdout.write("\n".join(lines) + "\n")


def _show(score: Score) -> str:
    share = 100 * score.right / score.cells if score.cells else 100.0
    return f"  {score.dialects:9} {share:5.1f}% {score.wrong:6}{score.rejected:9}"


if __name__ == "__main__":
    main([])
