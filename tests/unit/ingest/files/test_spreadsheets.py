"""Spreadsheets keep their cells: texts stay texts, and numbers the ones that they are."""

from pathlib import Path

import pytest

from ingest.files.formats import inspect_file
from ingest.files.spreadsheets import SheetUnknown, open_sheet
from tests.spreadsheet import write_xlsx


@pytest.fixture
def bills(tmp_path: Path) -> str:
    path = tmp_path / "bills.xlsx"
    path.write_bytes(
        write_xlsx(
            [
                ["Bills", None, None, None],
                ["Id", "Code", "Amount", "Note"],
                [1, "007", 0.1 + 0.2, 'a "b", c'],
                [2, "008", 12345678901234.5, None],
                [3, "009", 1e300, "two\nlines"],
            ],
            name="2021",
        )
    )
    return str(path)


def test_cells_are_written_digit_for_digit(bills: str) -> None:
    sheet = open_sheet(bills)
    assert (sheet.name, sheet.names) == ("2021", ["2021"])
    assert list(sheet.rows)[2:] == [
        ["1", '"007"', "0.30000000000000004", '"a ""b"", c"'],
        ["2", '"008"', "12345678901234.5", ""],
        ["3", '"009"', "1e+300", '"two\nlines"'],
    ]


def test_a_sheet_is_inspected_like_csv(bills: str) -> None:
    found = inspect_file(bills)
    assert (found.format, found.delimiter, found.preamble_lines) == ("xlsx", None, 1)
    assert [(column.name, column.type) for column in found.columns] == [
        ("Id", "integer"),
        ("Code", "text"),
        ("Amount", "double precision"),
        ("Note", "text"),
    ]


def test_a_sheet_that_is_not_there_is_told_with_those_that_are(bills: str, tmp_path: Path) -> None:
    with pytest.raises(SheetUnknown, match="no sheet 'x', but 2021"):
        open_sheet(bills, "x")
    broken = tmp_path / "broken.xlsx"
    broken.write_bytes(b"PK\x03\x04")
    with pytest.raises(SheetUnknown):
        open_sheet(str(broken))
