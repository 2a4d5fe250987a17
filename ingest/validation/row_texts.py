"""A payload cut into rows: the JSON text of each, what was sent of it, and where it stood."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Literal, Protocol

import msgspec

from ingest.catalog.definitions import Column
from ingest.outcome import Rejection, RowError
from ingest.payload.csv_body import (
    CsvRecords,
    PlainHeader,
    match_header,
    read_csv,
    read_plain_header,
)
from ingest.payload.json_text import join_rows, split_rows
from ingest.payload.payload import CsvBody, RowList, SentRow
from ingest.validation.fields import Field
from ingest.validation.row_checks import CheckedRow, RowChecks, refuse_row
from ingest.validation.values.adapter import Fault, Value


def _write_number(value: Any) -> msgspec.Raw:
    # A `Number` of a parsed array: msgspec leaves classes that it does not know to this.
    return msgspec.Raw(str(value).encode())


_encode = msgspec.json.Encoder(enc_hook=_write_number).encode


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
    def texts(self) -> Sequence[bytes]:
        """Each row as a JSON object; no text where the row can only be checked by itself."""

    @property
    def array(self) -> bytes | None:
        """All rows as one JSON array, where there is one that certainly has just these rows."""

    def are_within(self, max_bytes: int) -> bool:
        """Return whether no row that was sent is larger."""

    def check(self, place: int, checks: RowChecks) -> CheckedRow:
        """Check one row by itself."""

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
    def texts(self) -> Sequence[bytes]:
        return self._texts or split_rows(self.array or b"[]")

    def are_within(self, max_bytes: int) -> bool:
        is_small = self.array is not None and len(self.array) <= max_bytes
        return is_small or max(map(len, self.texts)) <= max_bytes

    def check(self, place: int, checks: RowChecks) -> CheckedRow:
        return checks.check_text(self.texts[place], is_strict=self._is_strict)

    def reject(self, place: int, errors: list[RowError]) -> Rejection:
        line = self.lines[place] if self.lines else None
        raw = self.texts[place]
        return Rejection(index=place, line=line, raw=raw, format="json", errors=errors)


class ListedTexts(JsonTexts):
    """Rows that come one by one, some of them perhaps as fields of CSV records."""

    def __init__(self, payload: RowList, table_fields: Mapping[str, Field]) -> None:
        self._rows = payload.rows
        self._table_fields = table_fields
        super().__init__(list(map(self._write_json, payload.rows)), is_strict=payload.is_strict)

    def _write_json(self, row: SentRow) -> bytes:
        return row if isinstance(row, bytes) else write_fields(row, self._table_fields)

    def check(self, place: int, checks: RowChecks) -> CheckedRow:
        row = self._rows[place]
        if isinstance(row, bytes):
            return super().check(place, checks)
        return check_fields(row, self._table_fields, checks)


class CsvTexts:
    """CSV records of a table's columns as JSON rows: an empty field is a missing value.

    Raises what `read_csv` and `match_header` raise when that is needed.
    """

    format: Literal["json", "csv"] = "csv"

    def __init__(
        self,
        payload: CsvBody,
        columns: Sequence[Column],
        table_fields: Mapping[str, Field],
        max_row_bytes: int,
    ) -> None:
        self._payload = payload
        self._columns = columns
        self._table_fields = table_fields
        self._max_row_bytes = max_row_bytes

    @cached_property
    def _body(self) -> CsvRecords:
        payload = self._payload
        return read_csv(payload.body, payload.codec, has_header=payload.has_header)

    @cached_property
    def plain_header(self) -> PlainHeader | None:
        """The header, where the body is UTF-8 and it can be read without the rest."""
        if self._payload.codec != "utf-8":
            return None
        return read_plain_header(self._payload.body, has_header=self._payload.has_header)

    @property
    def fields(self) -> Sequence[str] | None:
        return self.names

    @cached_property
    def names(self) -> list[str]:
        """The column of each field of a record."""
        header = self.plain_header.names if self.plain_header else self._body.header
        return match_header(header, self._columns)

    @property
    def lines(self) -> Sequence[int] | None:
        return self._body.lines

    @cached_property
    def texts(self) -> Sequence[bytes]:
        return list(map(self._write_json, self._body.records, self._body.texts))

    @cached_property
    def array(self) -> bytes | None:
        return join_rows(self.texts) if all(self.texts) else None

    def are_within(self, max_bytes: int) -> bool:
        return True  # a larger one has no text

    def _write_json(self, record: Sequence[str], sent: str) -> bytes:
        is_small = len(sent) * 4 <= self._max_row_bytes or len(sent.encode()) <= self._max_row_bytes
        if len(record) != len(self.names) or not is_small:
            return b""
        return write_fields(dict(zip(self.names, record, strict=True)), self._table_fields)

    def check(self, place: int, checks: RowChecks) -> CheckedRow:
        record = self._body.records[place]
        refused = checks.check_size(len(self._body.texts[place].encode()))
        if refused:
            return refused
        if len(record) != len(self.names):
            message = f"{len(record)} fields where there are {len(self.names)} columns"
            return refuse_row("column_count", message)
        fields = dict(zip(self.names, record, strict=True))
        return check_fields(fields, self._table_fields, checks)

    def reject(self, place: int, errors: list[RowError]) -> Rejection:
        line = self._body.lines[place]
        raw = self._body.texts[place].encode()
        return Rejection(index=place, line=line, raw=raw, format="csv", errors=errors)


def write_fields(fields: Mapping[str, str], table_fields: Mapping[str, Field]) -> bytes:
    """Return CSV fields as the JSON row that has the same values; no text where one means none."""
    row = _read_fields(fields, table_fields)
    is_writable = not any(isinstance(value, Fault) for value in row.values())
    return _encode(row) if is_writable else b""


def check_fields(
    fields: Mapping[str, str], table_fields: Mapping[str, Field], checks: RowChecks
) -> CheckedRow:
    """Check the row that CSV fields make."""
    row = _read_fields(fields, table_fields)
    texts = {
        name: msgspec.Raw(_encode(value))
        for name, value in row.items()
        if not isinstance(value, Fault)
    }
    return checks.check_row(row, texts, fields)


def _read_fields(
    fields: Mapping[str, str], table_fields: Mapping[str, Field]
) -> dict[str, Value | Fault]:
    return {
        name: table_fields[name].adapter.read_field(field) if name in table_fields else field
        for name, field in fields.items()
        if field
    }
