"""The rows of an answer: of all states, of one state, of the nation."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from psycopg import Connection, Cursor

from apis.covid.envelope import Part
from apis.covid.fields.templates import Form
from apis.covid.ranges import Days
from apis.covid.refresh.packing import Piece
from apis.covid.selection import Selection

_PACKED = """
SELECT deflated, size, crc FROM reports.covid_packed_days
WHERE form = %s AND date BETWEEN %s AND %s ORDER BY date DESC
"""


@dataclass(frozen=True)
class RowReader:
    """Reads rows in one form, with all fields or the selected ones."""

    connection: Connection
    form: Form
    selection: Selection | None

    def read_all_states(self, days: Days) -> list[Part]:
        """Return the rows of all states, a part a day, the newest day first."""
        parameters = [self.form, days.first, days.last]
        # Django's own cursors are the client's, which take no binary results.
        found = Cursor(self.connection).execute(_PACKED, parameters, binary=True)
        return [self._select(Piece(*row)) for row in found]

    def read_area(self, area: str, days: Days) -> list[Part]:
        """Return the rows of a state or the nation, the newest first."""
        return list(self._read_area(area, days.first, days.last))

    def _read_area(self, area: str, first: date, last: date) -> Iterator[Part]:
        column = "nested" if self.form == "nested" else "simple"
        rows = self.connection.execute(
            f"SELECT {column} FROM reports.covid_days"  # noqa: S608 - one of two names
            " WHERE area = %s AND date BETWEEN %s AND %s ORDER BY date DESC",
            [area, first, last],
        )
        return (self._select(row[0].encode()) for row in rows)

    def _select(self, part: Part) -> Part:
        if self.selection is None:
            return part
        return self.selection.filter_rows(part.unpack() if isinstance(part, Piece) else part)
