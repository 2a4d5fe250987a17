"""How far a backup, a check or a restore is."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """Functions that are called with rows to come and with rows done, from any thread."""

    expect_rows: Callable[[int], None] = lambda rows: None
    add_rows: Callable[[int], None] = lambda rows: None


NO_PROGRESS = Progress()
