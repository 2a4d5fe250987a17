"""Spreadsheets (XLSX, XLS, ODS) as rows of CSV fields, numbers digit for digit."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice

from python_calamine import CalamineError, CalamineWorkbook

from ingest.files.sample import Sample
from project.base.errors import RowhouseError

SUFFIXES = frozenset({".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"})
# Rows that are looked at; the reader has the whole sheet in memory anyway.
_SAMPLE_ROWS = 5000
# Below it every whole number is a double of its own.
_EXACT = 2**53

Cell = int | float | str | bool | time | date | datetime | timedelta


class SheetUnknown(RowhouseError):
    """The spreadsheet cannot be read, or has no sheet of this name."""

    code = "sheet_unknown"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet's name, those of all, and its rows as CSV fields with their quotes."""

    name: str
    names: Sequence[str]
    rows: Iterator[list[str]]


def open_sheet(path: str, name: str | None = None) -> Sheet:
    """Return a sheet of a file, the first one unless another is named."""
    try:
        with closing(CalamineWorkbook.from_path(path)) as book:
            names = book.sheet_names
            if name is not None and name not in names:
                raise SheetUnknown(f"{path} has no sheet {name!r}, but {', '.join(names)}")
            chosen = name or names[0]
            rows = book.get_sheet_by_name(chosen).iter_rows()
    except (CalamineError, IndexError) as error:
        raise SheetUnknown(f"{path}: {error}") from error
    return Sheet(chosen, names, ([write_cell(cell) for cell in row] for row in rows))


def sample_sheet(sheet: Sheet) -> Sample:
    """Return the first rows as a sample of CSV, a line each."""
    rows = list(islice(sheet.rows, _SAMPLE_ROWS + 1))
    lines = [" ".join(",".join(row).splitlines()) for row in rows[:_SAMPLE_ROWS]]
    text = "".join(f"{line}\n" for line in lines)
    return Sample(
        head=text,
        pieces=(),
        is_whole=len(rows) <= _SAMPLE_ROWS,
        size=None,
        head_size=len(text),
        compression=None,
        encoding="utf-8",
    )


def write_cell(cell: Cell) -> str:
    """Return a cell as a CSV field: a text in quotes, everything else without, nothing for none.

    A number is the shortest one that reads back as the same double, which is what a sheet holds.
    """
    if isinstance(cell, str):
        return '"' + cell.replace('"', '""') + '"' if cell else ""
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < _EXACT else repr(cell)
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return cell.isoformat() if isinstance(cell, date | time) else str(cell)
