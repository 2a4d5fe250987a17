"""CSV records as JSON rows, like any other from there on."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

import msgspec

from ingest.catalog.definitions import Table
from ingest.outcome import SHOWN_CHARACTERS, Rejection, RowError
from ingest.payload.csv_body import (
    CsvRecords,
    FieldValue,
    PlainHeader,
    read_csv,
    read_plain_header,
)
from ingest.payload.csv_header import match_header
from ingest.payload.json_text import join_rows, printable
from ingest.payload.payload import CsvBody, RowList, SentRow
from ingest.validation.fields import Field, Limits
from ingest.validation.row_checks import CheckedRow, RowChecks, refuse_row
from ingest.validation.row_texts import JsonTexts
from ingest.validation.values.adapter import Fault, Value


def _write_number(value: Any) -> msgspec.Raw:
    # A `Number` of a parsed array: msgspec leaves classes that it does not know to this.
    return msgspec.Raw(str(value).encode())


_encode = msgspec.json.Encoder(enc_hook=_write_number).encode

# A record's values by column, as JSON has them; the fault where a field means none.
ReadRecord = dict[str, Value | Fault]


class RecordReader:
    """Reads CSV fields as the values of a table's columns."""

    def __init__(self, fields: Sequence[Field]) -> None:
        # The columns whose fields are not just strings of JSON.
        self._readers = {
            each.column.name: each.adapter.read_field for each in fields if each.adapter.read_field
        }
        self._required = {each.column.name for each in fields if each.column.required}

    def read(self, names: Iterable[str], record: Iterable[FieldValue]) -> ReadRecord:
        """Return a record's values."""
        row: ReadRecord = {
            name: field
            for name, field in zip(names, record, strict=True)
            # A column that is left out has no name.
            if name and not isinstance(field, msgspec.UnsetType)
        }
        for name, read in self._readers.items():
            field = row.get(name)
            if field is not None and (field or name not in self._required):
                row[name] = read(str(field))
        return row

    def write(self, row: ReadRecord) -> bytes:
        """Return a row as JSON text; none where it has a fault."""
        return b"" if self._has_fault(row) else _encode(row)

    def _has_fault(self, row: ReadRecord) -> bool:
        return any(isinstance(row.get(name), Fault) for name in self._readers)

    def check(self, fields: Mapping[str, FieldValue], checks: RowChecks) -> CheckedRow:
        """Check the row that CSV fields make; errors show the fields as they were sent."""
        row = self.read(fields.keys(), fields.values())
        texts = {
            name: msgspec.Raw(_encode(row[name]))
            for name in self._readers
            if name in row and not isinstance(row[name], Fault)
        }
        return checks.check_row(row, texts, fields)


class ListedTexts(JsonTexts):
    """Rows that come one by one, some of them perhaps as fields of CSV records."""

    def __init__(self, payload: RowList, reader: RecordReader) -> None:
        self._sent = payload.rows
        self._reader = reader
        super().__init__(list(map(self._write, payload.rows)), is_strict=payload.is_strict)

    def _write(self, row: SentRow) -> bytes:
        if isinstance(row, bytes):
            return row
        return self._reader.write(self._reader.read(row.keys(), row.values()))

    def check(self, place: int, checks: RowChecks) -> CheckedRow:
        row = self._sent[place]
        if isinstance(row, bytes):
            return super().check(place, checks)
        return self._reader.check(row, checks)


class CsvTexts:
    """The records of a CSV body, with fields of a table's columns.

    Raises what `read_csv` and `match_header` raise when that is needed.
    """

    format: Literal["json", "csv"] = "csv"

    def __init__(
        self,
        payload: CsvBody,
        table: Table,
        reader: RecordReader,
        limits: Limits,
        *,
        drops_extra: bool = False,
    ) -> None:
        self._drops_extra = drops_extra
        self._payload = payload
        self._table = table
        self._reader = reader
        self._limits = limits
        self._written: dict[int, bytes] = {}  # the JSON text of rows, by their places

    @cached_property
    def _body(self) -> CsvRecords:
        payload = self._payload
        return read_csv(
            payload.body,
            payload.codec,
            has_header=payload.has_header,
            nulls=payload.nulls,
            most=self._limits.max_rows,
            max_record_bytes=self._limits.max_row_bytes,
        )

    @cached_property
    def plain_header(self) -> PlainHeader | None:
        """The header, where the body is UTF-8 and it can be read without the rest."""
        if self._payload.codec != "utf-8":
            return None
        return read_plain_header(self._payload.body, has_header=self._payload.has_header)

    @cached_property
    def fields(self) -> Sequence[str]:
        return match_header(self._header, self._table, drops_extra=self._drops_extra)

    @property
    def _header(self) -> Sequence[str] | None:
        return self.plain_header.names if self.plain_header else self._body.header

    def count_dropped(self) -> Counter[str]:
        dropped: Counter[str] = Counter()
        records = [each for each in self._body.records if len(each) == len(self.fields)]
        for position, name in enumerate(self.fields):
            if not name and self._header is not None:
                given = printable(self._header[position].strip()[:SHOWN_CHARACTERS])
                dropped[given] += sum(record[position] is not msgspec.UNSET for record in records)
        return dropped

    @property
    def lines(self) -> Sequence[int] | None:
        return self._body.lines

    @property
    def count(self) -> int:
        return len(self._body.records)

    def select(self, places: Iterable[int]) -> list[bytes]:
        return list(map(self._write, places))

    @cached_property
    def array(self) -> bytes | None:
        if not self.fields:  # a header is matched even where no record follows it
            return None
        texts = self.select(range(self.count))
        return join_rows(texts) if all(texts) else None

    def are_within(self, max_bytes: int) -> bool:
        return True  # a larger one has no text

    def _write(self, place: int) -> bytes:
        if place not in self._written:
            self._written[place] = self._convert(place)
        return self._written[place]

    def _convert(self, place: int) -> bytes:
        if not self._is_regular(place):
            return b""
        return self._reader.write(self._reader.read(self.fields, self._body.records[place]))

    def _is_regular(self, place: int) -> bool:
        """Return whether a record has a field for each column and is not too large."""
        if len(self._body.records[place]) != len(self.fields):
            return False
        sent = self._body.texts[place]
        return (
            len(sent) * 4 <= self._limits.max_row_bytes
            or len(sent.encode()) <= self._limits.max_row_bytes
        )

    def check(self, place: int, checks: RowChecks) -> CheckedRow:
        record = self._body.records[place]
        refused = checks.check_size(len(self._body.texts[place].encode()))
        if refused:
            return refused
        if len(record) != len(self.fields):
            message = f"{len(record)} fields where there are {len(self.fields)} columns"
            return refuse_row("column_count", message)
        return self._reader.check(dict(zip(self.fields, record, strict=True)), checks)

    def reject(self, place: int, errors: list[RowError]) -> Rejection:
        line = self._body.lines[place]
        raw = self._body.texts[place].encode()
        return Rejection(index=place, line=line, raw=raw, format="csv", errors=errors)
