"""A batch validated for one table: which rows may be stored, and what is wrong with the others.

Pure: nothing here knows a database. Compiled code takes the rows that are beyond doubt, where there
is such code for the table; the others are checked column by column, and what fails there row by
row.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import msgspec

from ingest.catalog.definitions import Table
from ingest.errors import BadRequest, CsvHeader, NoRows, TooManyRows
from ingest.outcome import OnConflict, Rejection
from ingest.payload.csv_body import PlainHeader
from ingest.payload.json_body import check_numbers, split_lines
from ingest.payload.json_text import has_more_rows, join_lines
from ingest.payload.payload import CsvBody, JsonArray, JsonLines, Payload, RowList
from ingest.validation.column_checks import ColumnChecks
from ingest.validation.csv_texts import CsvTexts, ListedTexts, RecordReader
from ingest.validation.fields import Field, Limits
from ingest.validation.native.binding import make_encoder
from ingest.validation.native.encoded_rows import EncodedBatch, EncodedRows
from ingest.validation.python_rows import PythonRows
from ingest.validation.row_checks import RowChecks
from ingest.validation.row_texts import JsonTexts, RowTexts
from ingest.validation.validated_rows import ValidatedBatch, ValidatedRows

UNSET = msgspec.UNSET


class Validator:
    """The rules of one table in one version of its definition.

    `asked` are the columns whose values constraints ask for row by row.
    """

    def __init__(
        self, table: Table, fields: list[Field], limits: Limits, asked: Collection[str] = ()
    ) -> None:
        self.table = table
        self.limits = limits
        self.fields = fields
        self.reader = RecordReader(fields)
        self._names = tuple(each.column.name for each in fields)
        self.encoder = make_encoder(table, self.fields, limits, asked)
        self.row_checks = RowChecks(table, self.fields, limits)
        self._column_checks = ColumnChecks(self.fields, limits)
        self._optional = [each for each in self.fields if each.optional]
        self._defaulted = [each for each in self.fields if each.column.has_default]
        self._has_documents = any(each.adapter.verbatim for each in self.fields)
        self._is_structured = self._has_documents or any(
            each.column.kind in {"array", "composite"} for each in self.fields
        )

    def validate(
        self,
        payload: Payload,
        on_conflict: OnConflict = "reject",
        *,
        copies: bool = False,
        drops_extra: bool = False,
    ) -> ValidatedBatch:
        """Sort a batch's rows into those that may be stored and those that may not.

        With `copies` good rows are only to be copied, in whatever form. With `drops_extra` columns
        that the table does not have are left out and counted. Raises the errors of a
        batch that is wrong as a whole: `JsonSyntax`, `TooDeep`, `NumberTooLong`, `CsvSyntax`,
        `CsvHeader`, `BadUtf8`, `NoRows`, `TooManyRows` and the like.
        """
        texts = self._cut(payload, drops_extra=drops_extra)
        if drops_extra:
            dropped: Counter[str] = Counter()
            checks = RowChecks(self.table, self.fields, self.limits, dropped)
            batch = self._validate_texts(payload, texts, on_conflict, checks)
            return replace(batch, extra=dict(dropped + texts.count_dropped()))
        encoded = self._validate_natively(payload, texts) if copies else None
        return encoded or self._validate_texts(payload, texts, on_conflict, self.row_checks)

    def _validate_texts(
        self, payload: Payload, texts: RowTexts, on_conflict: OnConflict, checks: RowChecks
    ) -> ValidatedBatch:
        if isinstance(payload, JsonArray) and has_more_rows(self.limits.max_rows, payload.text):
            raise self._refuse_rows()
        rows = self._column_checks.check_all(texts)
        if (rows is None or self._has_documents) and isinstance(payload, JsonArray | JsonLines):
            self._check_numbers(texts.array or b"\n".join(texts.select(range(texts.count))))
        if rows is None:
            self._check_count(texts.count)
            return self._validate_each(texts, range(texts.count), on_conflict, checks)
        self._check_count(len(rows.rows))
        groups = self._group(range(len(rows.rows)), rows, on_conflict)
        return ValidatedBatch(texts, len(rows.rows), groups, [], "column")

    # A payload cut into rows.

    def _cut(self, payload: Payload, *, drops_extra: bool) -> RowTexts:
        match payload:
            case JsonArray():
                return JsonTexts(array=payload.text, is_strict=True)
            case JsonLines():
                lines, numbers = split_lines(payload.body, self.limits.max_rows)
                array = None if self._is_structured else join_lines(lines)
                return JsonTexts(lines, array=array, lines=numbers)
            case RowList():
                return ListedTexts(payload, self.reader)
            case CsvBody():
                return CsvTexts(
                    payload, self.table, self.reader, self.limits, drops_extra=drops_extra
                )

    def _check_numbers(self, text: bytes) -> None:
        check_numbers(text, self.limits.max_number_digits)

    def _check_count(self, count: int) -> None:
        if count == 0:
            raise NoRows
        if count > self.limits.max_rows:
            raise self._refuse_rows()

    def _refuse_rows(self) -> TooManyRows:
        most = self.limits.max_rows
        return TooManyRows(f"More than the {most} rows that are taken at once", max_rows=most)

    # By compiled code.

    def _validate_natively(self, payload: Payload, texts: RowTexts) -> ValidatedBatch | None:
        """Return a batch whose good rows are encoded, None where that is not certain."""
        encoded = self._encode(payload, texts)
        if encoded is None:
            return None
        places, left = encoded.divide()
        good = ValidatedRows(encoded.columns, places, EncodedRows(encoded, places))
        if not left:
            return ValidatedBatch(texts, encoded.received, [good], [], "native")
        try:
            if texts.count != encoded.received:
                return None
            if texts.format == "json":
                self._check_numbers(b"\n".join(texts.select(left)))
            rest = self._validate_each(texts, left, "reject", self.row_checks)
        except BadRequest:
            return None
        return replace(rest, received=encoded.received, groups=[good, *rest.groups])

    def _encode(self, payload: Payload, texts: RowTexts) -> EncodedBatch | None:
        if self.encoder is None:
            return None
        match payload, texts:
            case JsonArray(), _:
                return self.encoder.encode_json(payload.text)
            case JsonLines(), JsonTexts(array=bytes(array)):
                encoded = self.encoder.encode_json(array)
                is_alike = encoded is not None and _has_rows_of(encoded, texts)
                return encoded if is_alike else None
            case CsvBody(), CsvTexts(plain_header=PlainHeader(end=start)):
                with suppress(CsvHeader):
                    return self.encoder.encode_csv(payload.body, start, texts.fields, payload.nulls)
        return None

    # By column, and row by row.

    def _validate_each(
        self, texts: RowTexts, places: Sequence[int], on_conflict: OnConflict, checks: RowChecks
    ) -> ValidatedBatch:
        """Validate the rows at these places of a batch."""
        positions, by_column = self._column_checks.check_each(texts.select(places))
        rows = dict(zip(map(places.__getitem__, positions), by_column.rows, strict=True))
        rejections: list[Rejection] = []
        canonical: dict[int, dict[str, Any]] = {}
        for place in sorted(set(places).difference(rows)):
            values, errors = texts.check(place, checks)
            if errors:
                rejections.append(texts.reject(place, errors))
                rejections[-1].sound = values
            else:
                canonical[place] = values
                rows[place] = tuple(values.get(name, UNSET) for name in self._names)
        good = sorted(rows)
        good_rows = PythonRows(self.fields, list(map(rows.__getitem__, good)))
        return ValidatedBatch(
            texts,
            len(places),
            self._group(good, good_rows, on_conflict),
            rejections,
            "row" if len(positions) < len(places) else "column",
            canonical,
        )

    def _group(
        self, places: Sequence[int], rows: PythonRows, on_conflict: OnConflict
    ) -> list[ValidatedRows]:
        """Put rows together that are written to the same columns.

        An update changes only the columns that a row brings; else only a default of its own makes
        a column that is left out differ from null.
        """
        watched = self._optional if on_conflict == "update" else self._defaulted
        groups: dict[tuple[bool, ...], list[int]] = {}
        for position, presence in enumerate(rows.presences(watched)):
            groups.setdefault(presence, []).append(position)
        if len(groups) == 1:
            (presence,) = groups
            return [ValidatedRows(self._columns(watched, presence), places, rows)]
        return [
            ValidatedRows(
                self._columns(watched, presence),
                list(map(places.__getitem__, positions)),
                rows.take(positions),
            )
            for presence, positions in groups.items()
        ]

    def _columns(self, watched: Sequence[Field], presence: Sequence[bool]) -> tuple[str, ...]:
        absent = {
            each.column.name for each, present in zip(watched, presence, strict=True) if not present
        }
        return tuple(name for name in self._names if name not in absent)


def _has_rows_of(encoded: EncodedBatch, texts: RowTexts) -> bool:
    """Return whether the rows of an array that lines were joined to are these lines."""
    if encoded.received != texts.count:
        return False
    # What has no arrays or objects in it is told apart by the number of rows (see `join_lines`).
    return encoded.is_whole or encoded.texts() == texts.select(range(texts.count))
