"""The files of the Pollock benchmark are understood, and none of their cells is read wrongly."""

import csv
import io
import itertools

from ingest.files.formats import inspect_bytes, inspect_file
from ingest.files.inspection import Inspection
from ingest.loaders.formats.csv_rows import parse_records
from ingest.loaders.formats.foreign_csv import CsvPlan, split_foreign
from ingest.loaders.formats.rows import FileMalformed
from tests.needs import need
from tests.pollock import find_files, pollute, read_clean, read_parameters

# The benchmark's own mistakes: a delimiter that the file does not have, a cell cut in half.
WRONG_PARAMETERS = {"s37.csv"}
WRONG_CELLS = {"s09.csv"}

CLEAN = (
    "day,time,count,kind,text,link,note\n"
    '28/01/2018,00:00,2,Boots,"Rugged, yet light","https://example.com/1",\n'
    '29/01/2018,00:15,0,"Jacket, red","The 5"" one, or ""that""","https://example.com/2",\n'
    '30/01/2018,00:30,1,Women\'s,Plain,"https://example.com/3",x\n'
    '31/01/2018,00:45,7,Rods,"Great, and so on, for all","https://example.com/4",\n'
    '13/02/2018,01:00,9,"Pillow, 10""","Add, it","https://example.com/5",\n'
    '14/02/2018,01:15,1,Men\'s,"Made to, hold","https://example.com/6",\n'
)


def read(data: bytes, inspection: Inspection) -> dict[int, list[str]]:
    """Return the rows that have all fields, by their lines."""
    width = len(inspection.columns)
    titles = [column.name for column in inspection.columns] if inspection.header_lines else []
    plan = CsvPlan(
        dialect=inspection.dialect,
        width=width,
        first_line=inspection.first_line,
        titles=titles,
    )
    rows: dict[int, list[str]] = {}
    try:
        for chunk in split_foreign([data], plan):
            parsed = parse_records(chunk.texts, plan.delimiter)
            rows |= {
                place: row
                for place, row in zip(chunk.places, parsed, strict=True)
                if len(row) == width
            }
    except FileMalformed:
        pass
    return rows


def test_the_dialect_of_nearly_every_file_is_found() -> None:
    files = find_files()
    need(files, "the Pollock benchmark is not in ../shared/data")
    wrong = set()
    for path in files:
        told, found = read_parameters(path), inspect_file(str(path))
        wanted = (told["delimiter"], told["quotechar"], told["escapechar"])
        given = (found.delimiter or "", found.quote or "", found.escape or "")
        lines = (int(told["preamble_lines"]), int(told["header_lines"]))
        if (*given, found.preamble_lines, found.header_lines) != (*wanted, *lines):
            wrong.add(path.name)
    assert wrong == WRONG_PARAMETERS


def test_no_cell_of_any_file_is_wrong() -> None:
    files = find_files()
    need(files, "the Pollock benchmark is not in ../shared/data")
    for path in files:
        clean = {tuple(cell.strip() for cell in row) for row in read_clean(path)}
        rows = read(path.read_bytes(), inspect_file(str(path)))
        wrong = {tuple(cell.strip() for cell in row) for row in rows.values()} - clean
        assert not wrong or path.name in WRONG_CELLS, path.name


def test_a_polluted_line_is_rejected_and_the_others_are_read() -> None:
    clean = list(csv.reader(io.StringIO(CLEAN)))
    for line, text in itertools.chain([(0, CLEAN)], pollute(CLEAN)):
        data = text.encode()
        found = inspect_bytes(data)
        assert (found.delimiter, found.quote, len(found.columns)) == (",", '"', 7), text
        assert (found.preamble_lines, found.header_lines) == (0, 1), text
        rows = read(data, found)
        expected = {number: row for number, row in enumerate(clean, 1) if number > 1}
        assert {key: row for key, row in rows.items() if key != line} == {
            key: row for key, row in expected.items() if key != line
        }, text
        assert rows.get(line) in (None, expected.get(line)), text
