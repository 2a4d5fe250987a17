"""A table's columns computed from the fields of somebody else's file, as a mapping file says."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation, localcontext
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

from ingest.loaders.formats.columns import find_field
from ingest.loaders.formats.csv_rows import (
    join_records,
    read_field,
    split_records,
    write_field,
    write_records,
)
from ingest.loaders.formats.dates import DateKind, check_pattern, date_converter
from ingest.loaders.formats.json_text import decode_text, encode_json, read_members
from project.base.errors import RowhouseError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PER_SECOND = {"seconds": 1, "milliseconds": 1000}
_PRECISION = 100  # digits; far more than any measured value has

# A value as text; None is null.
Value = str | None


class MappingInvalid(RowhouseError):
    """The mapping file cannot be used."""

    code = "mapping_invalid"


class ColumnSource(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a column's values come from and what is done to them, in this order.

    A value that cannot be converted is sent as it is: the service rejects it with its reason.
    """

    field: str | None = None  # a member of a nested JSON object is named with dots: sites.main
    fields: list[str] | None = None  # joined with a space
    value: str | None = None  # the same for every row
    values: dict[str, str | None] = {}  # text in the file: text that is sent
    date_format: str | None = None  # as in strptime
    kind: DateKind = "timestamp"  # what the date becomes
    time_zone: str | None = None  # IANA name, of dates without an offset
    epoch: Literal["seconds", "milliseconds"] | None = None  # a number since 1970, in UTC
    times: str | None = None  # a number is multiplied by this one

    def check(self) -> None:
        """Raise `MappingInvalid` or `DatePatternInvalid` for what makes no sense."""
        if sum(part is not None for part in (self.field, self.fields, self.value)) != 1:
            raise MappingInvalid("give one of field, fields and value")
        if self.date_format is not None:
            check_pattern(self.date_format)
        if self.kind == "date" and (self.date_format is None or self.time_zone is not None):
            raise MappingInvalid("kind: date needs a date_format and takes no time_zone")
        if self.time_zone is not None:
            try:
                ZoneInfo(self.time_zone)
            except (ZoneInfoNotFoundError, ValueError, OSError) as error:
                raise MappingInvalid(f"there is no time zone {self.time_zone!r}") from error
        if self.times is not None and _read_number(self.times) is None:
            raise MappingInvalid(f"{self.times!r} is not a number")

    @property
    def names(self) -> list[str]:
        """The fields of the file it needs."""
        return self.fields or ([self.field] if self.field is not None else [])


class MappingFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole mapping file."""

    columns: Annotated[dict[str, ColumnSource], Meta(min_length=1)]
    empty: Literal["missing", "null"] = "missing"  # what an empty CSV field means in an update


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    source: ColumnSource
    convert: Callable[[str], Value] | None  # None: a value is sent as it is

    def compute(self, texts: Sequence[Value]) -> Value:
        """Return the value from those of the column's fields."""
        if self.source.value is not None:
            return self.source.value
        if len(texts) == 1 and self.convert is None:
            return texts[0]
        if not all(texts):
            return None
        text = " ".join(text for text in texts if text)
        return self.convert(text) if self.convert else text


class RowMapping:
    """A mapping, ready to convert rows."""

    def __init__(self, file: MappingFile) -> None:
        self.columns = [
            _Column(name, source, _converter(source)) for name, source in file.columns.items()
        ]
        self.empty_is_null = file.empty == "null"

    def csv_encoder(
        self, titles: Sequence[str], delimiter: str
    ) -> Callable[[Sequence[bytes]], bytes]:
        """Return what writes records with this header as CSV with the table's columns.

        Raises `ColumnsInvalid` where a field is missing. Fields beyond the header's are kept, so
        that they are rejected.
        """
        compute = self._field_computer(titles)
        header = write_records([[column.name for column in self.columns]])

        def convert(fields: list[str]) -> list[str]:
            return [*map(write_field, compute(fields)), *_surplus(fields, len(titles))]

        return lambda records: (
            header + join_records(map(convert, split_records(records, delimiter)))
        )

    def json_encoder(
        self, titles: Sequence[str], delimiter: str
    ) -> Callable[[Sequence[bytes]], bytes]:
        """Return what writes records as a JSON array, with null for what is empty.

        Otherwise as `csv_encoder`; a field beyond the header's becomes a column nobody has.
        """
        compute = self._field_computer(titles)
        names = [column.name for column in self.columns]

        def convert(fields: list[str]) -> dict[str, Value]:
            row = dict(zip(names, compute(fields), strict=True))
            surplus = _surplus(fields, len(titles))
            beyond = enumerate(map(read_field, surplus), len(titles) + 1)
            return row | {f"field {number}": text for number, text in beyond}

        return lambda records: encode_json(list(map(convert, split_records(records, delimiter))))

    def _field_computer(self, titles: Sequence[str]) -> Callable[[list[str]], list[Value]]:
        places = [
            (column, [find_field(titles, name) for name in column.source.names])
            for column in self.columns
        ]

        def compute(fields: list[str]) -> list[Value]:
            padded = [*map(read_field, fields), *[None] * (len(titles) - len(fields))]
            return [column.compute([padded[n] for n in found]) for column, found in places]

        return compute

    def convert_json(self, row: bytes) -> bytes:
        """Return an object with the table's columns; what is no plain object is left as it is."""
        members = read_members(row)
        if members is None:
            return row
        parts = (
            encode_json(column.name) + b":" + self._convert_members(column, members)
            for column in self.columns
        )
        return b"{" + b",".join(parts) + b"}"

    def _convert_members(self, column: _Column, members: Mapping[str, msgspec.Raw]) -> bytes:
        raws = [_find_member(members, name) for name in column.source.names]
        if column.convert is None and len(raws) == 1:
            return raws[0]
        return encode_json(column.compute([_read_text(raw) for raw in raws]))


def _surplus(fields: Sequence[str], width: int) -> Sequence[str]:
    """Return what keeps a record of another width than the header's from being a row."""
    return [""] if len(fields) < width else fields[width:]


def read_mapping(path: Path) -> RowMapping:
    """Return the mapping in a file; raise `MappingInvalid` that says what is wrong."""
    try:
        file = msgspec.yaml.decode(path.read_bytes(), type=MappingFile)
    except (OSError, msgspec.DecodeError) as error:
        raise MappingInvalid(f"{path}: {error}") from error
    for name, source in file.columns.items():
        try:
            source.check()
        except RowhouseError as error:
            raise MappingInvalid(f"{path}: {name}: {error.message}") from error
    return RowMapping(file)


def _converter(source: ColumnSource) -> Callable[[str], Value] | None:
    steps: list[Callable[[str], str]] = []
    if source.date_format is not None:
        zone = ZoneInfo(source.time_zone) if source.time_zone else None
        steps.append(date_converter(source.date_format, source.kind, zone))
    if source.epoch is not None:
        unit = _PER_SECOND[source.epoch]
        steps.append(lambda text: _convert_epoch(text, unit))
    if source.times is not None:
        factor = Decimal(source.times)
        steps.append(lambda text: _multiply(text, factor))
    if not steps and not source.values:
        return None

    def convert(text: str) -> Value:
        value = source.values.get(text, text)
        for step in steps:
            value = value if value is None else step(value)
        return value

    return convert


def _convert_epoch(text: str, per_second: int) -> str:
    """Return ISO 8601 in UTC, to the nearest microsecond."""
    number = _read_number(text)
    if number is None:
        return text
    try:
        micros = (number * (1_000_000 // per_second)).to_integral_value()
        return (_EPOCH + timedelta(microseconds=int(micros))).isoformat()
    except (OverflowError, InvalidOperation):
        return text


def _multiply(text: str, factor: Decimal) -> str:
    number = _read_number(text)
    if number is None:
        return text
    with localcontext(prec=_PRECISION):
        return format(number * factor, "f")


def _read_number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < _PRECISION // 2 else None


def _find_member(members: Mapping[str, msgspec.Raw], name: str) -> bytes:
    """Return a member's JSON; where there is none of the whole name, the one its dots lead to."""
    if name in members:
        return bytes(members[name])
    head, dot, rest = name.partition(".")
    inner = read_members(bytes(members[head])) if dot and head in members else None
    return b"null" if inner is None else _find_member(inner, rest)


def _read_text(raw: bytes) -> Value:
    if raw == b"null":
        return None
    return decode_text(raw) if raw.startswith(b'"') else raw.decode()
