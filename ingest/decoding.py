"""Bodies in each format, decoded by the rules of the table that their rows are for.

Compiled code encodes a flawless batch, where there is such code for the table; any other batch is
decoded row by row.
"""

from collections.abc import Sequence
from functools import cached_property

from ingest.catalog import Column
from ingest.copying import EncodedRows
from ingest.decoded import Decoded, join_lines
from ingest.errors import CsvHeader
from ingest.records import CsvBody, decode_records, match_header, read_csv
from ingest.registry import KnownTable
from ingest.rules import GroupBy

_BOM = b"\xef\xbb\xbf"


def decode_array(known: KnownTable, array: bytes, group_by: GroupBy) -> Decoded:
    """Decode the rows of a JSON array, whose text is UTF-8."""
    encoded = known.encoder.encode_json(array) if known.encoder else None
    return _whole(encoded) if encoded else known.rules.decode(array, group_by)


def decode_lines(
    known: KnownTable, texts: Sequence[bytes], lines: Sequence[int], group_by: GroupBy
) -> Decoded:
    """Decode rows that are the lines of an NDJSON body."""
    array = join_lines(texts) if known.encoder else None
    if known.encoder and array is not None:
        encoded = known.encoder.encode_json(array)
        if encoded and encoded.count == len(texts):
            return _whole(encoded)
    return known.rules.decode_lines(texts, lines, group_by)


class CsvSource:
    """A CSV body that is taken apart when that is needed."""

    def __init__(self, body: bytes, codec: str, *, has_header: bool) -> None:
        self._body = body
        self._codec = codec
        self._has_header = has_header

    def decode(self, known: KnownTable, group_by: GroupBy) -> Decoded:
        """Decode the records; raise what `read_csv` and `match_header` raise."""
        encoded = self._encode(known)
        if encoded is not None:
            return encoded
        records = self._records
        writable = known.table.writable
        if records.header is None:
            names = [column.name for column in writable]
        else:
            names = match_header(records.header, writable)
        return decode_records(known.rules, records, names, group_by)

    @cached_property
    def _records(self) -> CsvBody:
        return read_csv(self._body, self._codec, has_header=self._has_header)

    def _encode(self, known: KnownTable) -> Decoded | None:
        if known.encoder is None or self._codec != "utf-8":
            return None
        try:
            self._body.decode()
            names, start = self._read_header(known.table.writable)
        except (UnicodeDecodeError, CsvHeader):
            return None
        encoded = known.encoder.encode_csv(self._body, start, names)
        return _whole(encoded, names) if encoded else None

    def _read_header(self, writable: Sequence[Column]) -> tuple[list[str], int]:
        """Return the columns of the fields, and where the records begin."""
        start = len(_BOM) if self._body.startswith(_BOM) else 0
        if not self._has_header:
            return [column.name for column in writable], start
        end = self._body.find(b"\n", start) + 1
        header = self._body[start:end].removesuffix(b"\n").removesuffix(b"\r")
        if b"\r" in header:  # which ends a line too
            raise CsvHeader
        return match_header(header.decode().split(","), writable), end


def _whole(encoded: EncodedRows, fields: Sequence[str] | None = None) -> Decoded:
    return Decoded(
        received=encoded.count,
        groups=[],
        rejections=[],
        format="json" if fields is None else "csv",
        encoded=encoded,
        fields=fields,
    )
