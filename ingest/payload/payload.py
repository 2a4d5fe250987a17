"""A batch's rows as they came: the value that validation starts from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ingest.payload.csv_body import FieldValue

# A row that is sent again: its JSON text, or the fields of a CSV record by column.
SentRow = bytes | Mapping[str, FieldValue]


@dataclass(frozen=True, slots=True)
class JsonArray:
    """The text of a JSON array of rows, which is UTF-8."""

    text: bytes


@dataclass(frozen=True, slots=True)
class JsonLines:
    """An NDJSON body, which is UTF-8: a row a line."""

    body: bytes


@dataclass(frozen=True, slots=True)
class CsvBody:
    """A CSV body (RFC 4180); without a header its fields are the columns in the table's order.

    `nulls` are words that mean null.
    """

    body: bytes
    codec: str
    has_header: bool
    nulls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RowList:
    """Rows that come one by one.

    `is_strict` has a text that is not JSON refuse the whole batch, as in a JSON array; else it is
    that row's own fault.
    """

    rows: Sequence[SentRow]
    is_strict: bool


Payload = JsonArray | JsonLines | CsvBody | RowList
