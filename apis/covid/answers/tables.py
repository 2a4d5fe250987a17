"""What the refresh wrote, read back: the build, prepared documents, states and rows."""

from dataclasses import dataclass
from datetime import datetime

import msgspec
from psycopg import Connection, Cursor

from apis.covid.answers.envelope import Part
from apis.covid.answers.ranges import Days, Span
from apis.covid.answers.selection import Selection
from apis.covid.errors import NotBuilt, StateUnknown
from apis.covid.fields.documents import PublishedField
from apis.covid.fields.templates import Form, format_timestamp
from apis.covid.refresh.packing import Piece
from apis.covid.refresh.refresh import REPORT

_PACKED = """
SELECT deflated, size, crc FROM reports.covid_packed_days
WHERE form = %s AND date BETWEEN %s AND %s ORDER BY date DESC
"""


@dataclass(frozen=True, slots=True)
class BuildStatus:
    """The build that is published."""

    version: int
    built_at: datetime

    @property
    def build_time(self) -> str:
        """When it was built, as answers say it."""
        return format_timestamp(self.built_at)


@dataclass(frozen=True, slots=True)
class State:
    """A state and its metadata as JSON."""

    code: str
    metadata: msgspec.Raw


def read_build(connection: Connection) -> BuildStatus:
    """Return the published build; raise `NotBuilt` before the first one."""
    row = connection.execute(
        "SELECT version, refreshed_at FROM service.report"
        " WHERE name = %s AND refreshed_at IS NOT NULL",
        [REPORT],
    ).fetchone()
    if row is None:
        raise NotBuilt
    return BuildStatus(*row)


def read_document(connection: Connection, name: str) -> msgspec.Raw:
    """Return a document that the refresh prepared, as JSON."""
    row = connection.execute(
        "SELECT body FROM reports.covid_documents WHERE name = %s", [name]
    ).fetchone()
    return msgspec.Raw(row[0].encode() if row else b"[]")


def read_fields(connection: Connection) -> list[PublishedField]:
    """Return every name of the API, removed ones too."""
    return msgspec.json.decode(read_document(connection, "fields"), type=list[PublishedField])


def read_states(connection: Connection) -> list[State]:
    """Return the states in the order of their codes."""
    rows = connection.execute("SELECT state, metadata FROM reports.covid_states ORDER BY state")
    return [State(code, msgspec.Raw(metadata.encode())) for code, metadata in rows]


def find_state(connection: Connection, name: str) -> State:
    """Return the state with this code or slug, in any case; raise `StateUnknown`."""
    row = connection.execute(
        "SELECT state, metadata FROM reports.covid_states WHERE state = %s OR slug = %s",
        # PostgreSQL cannot even compare with U+0000, which no name has.
        [name.upper().replace("\0", "?"), name.lower().replace("\0", "?")],
    ).fetchone()
    if row is None:
        shown = name[:100]
        raise StateUnknown(f"There is no state {shown!r}; /covid/v2/states lists them", state=shown)
    return State(row[0], msgspec.Raw(row[1].encode()))


def read_span(connection: Connection, area: str | None) -> Span | None:
    """Return the first and the last day of an area, of all states for None; None without any."""
    if area is None:
        query = "SELECT min(date), max(date) FROM reports.covid_packed_days WHERE form = 'simple'"
        row = connection.execute(query).fetchone()
    else:
        query = "SELECT min(date), max(date) FROM reports.covid_days WHERE area = %s"
        row = connection.execute(query, [area]).fetchone()
    return (row[0], row[1]) if row and row[0] else None


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
        column = "nested" if self.form == "nested" else "simple"
        rows = self.connection.execute(
            f"SELECT {column} FROM reports.covid_days"  # noqa: S608 - one of two names
            " WHERE area = %s AND date BETWEEN %s AND %s ORDER BY date DESC",
            [area, days.first, days.last],
        )
        return [self._select(row[0].encode()) for row in rows]

    def _select(self, part: Part) -> Part:
        if self.selection is None:
            return part
        return self.selection.filter_rows(part.unpack() if isinstance(part, Piece) else part)
