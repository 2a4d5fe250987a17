"""A payload cut into rows: the JSON text of each, what was sent of it, and where it stood."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Literal, Protocol

from ingest.outcome import Rejection, RowError
from ingest.payload.json_text import split_rows
from ingest.validation.row_checks import CheckedRow, RowChecks


class RowTexts(Protocol):
    """The rows of a payload, cut apart when that is needed."""

    format: Literal["json", "csv"]

    @property
    def lines(self) -> Sequence[int] | None:
        """The line of a file where each row begins, from 1."""

    @property
    def fields(self) -> Sequence[str] | None:
        """The columns of CSV records, in order."""

    @property
    def count(self) -> int:
        """The number of rows."""

    def select(self, places: Iterable[int]) -> list[bytes]:
        """Return rows as JSON objects; no text where one can only be checked by itself."""

    @property
    def array(self) -> bytes | None:
        """All rows as one JSON array, where there is one that certainly has just these rows."""

    def are_within(self, max_bytes: int) -> bool:
        """Return whether no row that was sent is larger."""

    def check(self, place: int, checks: RowChecks) -> CheckedRow:
        """Check one row by itself."""

    def count_dropped(self) -> Counter[str]:
        """Return in how many rows each column stood that no text of a row has any more."""

    def reject(self, place: int, errors: list[RowError]) -> Rejection:
        """Return the rejection of a row, as it was sent."""


class JsonTexts:
    """Rows sent as JSON objects: in an array, a line each, or one by one.

    Raises what `split_rows` raises when an array is cut apart. With `is_strict` a text that is not
    JSON is the fault of the whole batch.
    """

    format: Literal["json", "csv"] = "json"
    fields: Sequence[str] | None = None

    def __init__(
        self,
        texts: Sequence[bytes] = (),
        *,
        array: bytes | None = None,
        lines: Sequence[int] | None = None,
        is_strict: bool = False,
    ) -> None:
        self._texts = texts
        self.array = array
        self.lines = lines
        self._is_strict = is_strict

    @cached_property
    def _rows(self) -> Sequence[bytes]:
        return self._texts or split_rows(self.array or b"[]")

    @property
    def count(self) -> int:
        return len(self._rows)

    def select(self, places: Iterable[int]) -> list[bytes]:
        return list(map(self._rows.__getitem__, places))

    def are_within(self, max_bytes: int) -> bool:
        is_small = self.array is not None and len(self.array) <= max_bytes
        return is_small or max(map(len, self._rows), default=0) <= max_bytes

    def count_dropped(self) -> Counter[str]:
        return Counter()

    def check(self, place: int, checks: RowChecks) -> CheckedRow:
        return checks.check_text(self._rows[place], is_strict=self._is_strict)

    def reject(self, place: int, errors: list[RowError]) -> Rejection:
        line = self.lines[place] if self.lines else None
        raw = self._rows[place]
        return Rejection(index=place, line=line, raw=raw, format="json", errors=errors)
