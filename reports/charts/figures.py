"""Figures of a report's table as people read them."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from reports.api.description import DescribedColumn
from reports.charts.bars import Row


class Cell(NamedTuple):
    """A value, its column's role, and the value with every digit where that was rounded."""

    value: object
    role: str
    exact: object = None


def show_cells(records: Iterable[Row], columns: Sequence[DescribedColumn]) -> list[list[Cell]]:
    """Return the rows' cells in the order of the columns."""
    return [[_show(record[one.name], one.role) for one in columns] for record in records]


def _show(value: object, role: str) -> Cell:
    if role != "measure" or not isinstance(value, float):
        return Cell(value, role)
    # A share needs more places than a number of days.
    rounded = round(value, 2 if abs(value) >= 1 else 4)
    return Cell(value, role) if rounded == value else Cell(rounded, role, value)
