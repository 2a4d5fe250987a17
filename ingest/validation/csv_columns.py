"""CSV records of which every field passed its column's sweep, looked at column by column."""

from collections.abc import Iterable, Sequence
from operator import itemgetter

import msgspec

from ingest.validation.copy_data import CopyData, copy_lines, json_lines_as_csv

_encoder = msgspec.json.Encoder()


class SoundRecords:
    """Records as the fields of named columns; an empty field is null.

    `is_copyable` tells that COPY takes the types of all these columns, `text` is the records as
    they came, where PostgreSQL reads it in the same way.
    """

    def __init__(
        self,
        names: Sequence[str],
        records: Sequence[Sequence[str]],
        *,
        is_copyable: bool,
        text: bytes | None = None,
    ) -> None:
        self._names = tuple(names)
        self._records = records
        self._is_copyable = is_copyable
        self._text = text

    def take(self, places: Iterable[int]) -> "SoundRecords":
        """Return some of the records."""
        chosen = list(map(self._records.__getitem__, places))
        return SoundRecords(self._names, chosen, is_copyable=self._is_copyable)

    def copy_data(self, names: Sequence[str]) -> CopyData | None:
        """Return the records as data for COPY, None where only SQL can read the values."""
        if not self._is_copyable or tuple(names) != self._names:
            return None
        if self._text is not None:
            return copy_lines(self._text, "csv")
        rows = [[value or None for value in record] for record in self._records]
        return json_lines_as_csv(_encoder.encode_lines(rows))

    def column(self, name: str) -> list[str | None]:
        """Return a column's values, None for what is missing or null."""
        return [field or None for field in self._fields(name)]

    def values_of(self, name: str) -> set[str]:
        """Return the text of each value of a column that is neither null nor missing."""
        return set(self._fields(name)) - {""}

    def _fields(self, name: str) -> Iterable[str]:
        if name not in self._names:
            return [""] * len(self._records)
        return map(itemgetter(self._names.index(name)), self._records)


def find_plain_text(text: str, first: int, count: int) -> bytes | None:
    r"""Return the records of a CSV body as they came, from the line `first` (from 0) on.

    None where PostgreSQL might read them in another way: every record must be one line without a
    quote; lines end alike, and `\.` would end the data.
    """
    if not text.endswith("\n"):
        text += "\n"
    ends = text.count("\n")
    returns = text.count("\r\n")
    if (
        '"' in text
        or "\\" in text
        or ends != first + count
        or returns not in {0, ends}
        or text.count("\r") != returns
    ):
        return None
    return text.split("\n", first)[-1].encode()
