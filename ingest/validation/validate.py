"""Bodies in each format, decoded by the rules of the table that their rows are for.

Compiled code encodes the rows that are beyond doubt, where there is such code for the table; any
other row is decoded by the rules.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, partial

from ingest.catalog.definitions import Column
from ingest.catalog.registry import KnownTable
from ingest.errors import BadRequest, CsvHeader
from ingest.payload.csv_body import CsvBody, decode_records, join_records, match_header, read_csv
from ingest.payload.json_body import check_numbers
from ingest.validation.native.encoded_rows import EncodedBatch, EncodedRows
from ingest.validation.rules import GroupBy, RowRules
from ingest.validation.validated_rows import Decoded, Rows, join_lines, join_rows

_BOM = b"\xef\xbb\xbf"


def decode_array(known: KnownTable, array: bytes, group_by: GroupBy) -> Decoded:
    """Decode the rows of a JSON array, whose text is UTF-8."""
    encoded = known.encoder.encode_json(array) if known.encoder else None
    found = _complete(known.rules, encoded, group_by) if encoded else None
    return found or known.rules.decode(array, group_by)


def decode_lines(
    known: KnownTable, texts: Sequence[bytes], lines: Sequence[int], group_by: GroupBy
) -> Decoded:
    """Decode rows that are the lines of an NDJSON body."""
    array = join_lines(texts) if known.encoder else None
    encoded = known.encoder.encode_json(array) if known.encoder and array is not None else None
    is_alike = encoded is not None and _has_rows_of(encoded, texts)
    found = _complete(known.rules, encoded, group_by, lines) if encoded and is_alike else None
    return found or known.rules.decode_lines(texts, lines, group_by)


def _has_rows_of(encoded: EncodedBatch, texts: Sequence[bytes]) -> bool:
    """Return whether the rows of an array that lines were joined to are these lines."""
    if encoded.received != len(texts):
        return False
    # What has no arrays or objects in it is told apart by the number of rows (see `join_lines`).
    return encoded.is_whole or encoded.texts() == texts


def _complete(
    rules: RowRules, encoded: EncodedBatch, group_by: GroupBy, lines: Sequence[int] | None = None
) -> Decoded | None:
    """Return a JSON batch with those rows decoded by the rules that compiled code has left.

    None where it is the whole body that is wrong.
    """
    places, left = encoded.divide()
    rows = EncodedRows(encoded, places)
    if not left:
        whole = Rows(encoded.columns, places, lambda: encoded.body, rows)
        return Decoded(encoded.received, [whole], [], lines=lines)
    texts = encoded.texts()
    others = [texts[place] for place in left]
    try:
        check_numbers(b"\n".join(others), rules.limits.max_number_digits)
        rest = rules.decode_each(others, group_by, lines=lines and [lines[at] for at in left])
    except BadRequest:
        return None
    own = [texts[place] for place in places]
    good = Rows(encoded.columns, places, partial(join_rows, own), rows, own)
    moved = [replace(each, indexes=[left[at] for at in each.indexes]) for each in rest.groups]
    for rejection in rest.rejections:
        rejection.index = left[rejection.index]
    return replace(
        rest,
        received=encoded.received,
        groups=[good, *moved],
        raw_of=lambda index, _: texts[index],
        lines=lines,
    )


class CsvSource:
    """A CSV body that is taken apart when that is needed."""

    def __init__(self, body: bytes, codec: str, *, has_header: bool) -> None:
        self._body = body
        self._codec = codec
        self._has_header = has_header
        # Then it is decoded again because PostgreSQL refuses some of its rows.
        self._was_encoded = False

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
        if known.encoder is None or self._codec != "utf-8" or self._was_encoded:
            return None
        try:
            self._body.decode()
            names, start = self._read_header(known.table.writable)
        except (UnicodeDecodeError, CsvHeader):
            return None
        encoded = known.encoder.encode_csv(self._body, start, names)
        if encoded is None:
            return None
        self._was_encoded = True
        places, _ = encoded.divide()
        rows = Rows(
            encoded.columns,
            places,
            lambda: join_records(names, self._records.records),
            EncodedRows(encoded, places),
        )
        return Decoded(encoded.received, [rows], [], format="csv", fields=names)

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
