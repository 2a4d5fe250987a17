"""Named points on a batch's way to its receipt, where the tests make the process fail.

In a service nothing listens, and no setting, variable or request can make anything listen: that
takes a program that imports this module, as `tests/faults/application.py` does.
"""

from collections.abc import Callable
from enum import StrEnum


class Point(StrEnum):
    """A moment at which a process that dies leaves something half done."""

    BEFORE_BEGIN = "before-begin"
    KEY_CLAIMED = "key-claimed"
    ROWS_WRITTEN = "rows-written"
    RECEIPT_WRITTEN = "receipt-written"  # and not yet its rejections, where there are any
    BEFORE_COMMIT = "before-commit"
    COMMITTED = "committed"  # and not yet answered


Listener = Callable[[Point], None]

listeners: list[Listener] = []


def reach(point: Point) -> None:
    """Tell who listens; the request goes on unless a listener raises or ends the process."""
    for listener in listeners:
        listener(point)
