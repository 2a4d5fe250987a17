"""What a load changes in the values of a file: nulls, dates, fields left out or renamed."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from ingest.catalog.column_names import NameMatcher
from ingest.loaders.formats.csv_rows import (
    LONE_NULL,
    join_records,
    read_field,
    split_records,
    write_field,
)
from ingest.loaders.formats.dates import DateKind, date_converter
from ingest.loaders.formats.json_text import decode_text, encode_json, read_members

Convert = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Dates:
    """The pattern of dates in a file, and what each column of the table holds, in table order."""

    pattern: str
    kinds: Mapping[str, DateKind | None]

    def converter(self, column: str) -> Convert | None:
        """Return what converts the values of this column, None for other than dates."""
        found = NameMatcher(self.kinds).find(column)
        kind = self.kinds[found[0]] if len(found) == 1 else None
        return date_converter(self.pattern, kind) if kind else None


@dataclass(frozen=True, slots=True)
class Changes:
    """What is asked for: these words mean null, these values are dates."""

    nulls: tuple[str, ...] = ()
    dates: Dates | None = None
    # By the place of a CSV file's field; None stands for null.
    places: Mapping[int, Callable[[str], str | None]] = field(default_factory=dict)

    objects: frozenset[str] = frozenset()  # columns of text that objects are written into

    @property
    def column_order(self) -> Sequence[str]:
        """Return the table's columns in order, where dates made us ask for them."""
        return list(self.dates.kinds) if self.dates else []

    def converter(self, column: str) -> Convert | None:
        """Return what converts the values of this column, None where they are left."""
        return self.dates.converter(column) if self.dates else None


@dataclass(frozen=True, slots=True)
class CsvChange:
    """Rewrites CSV records; fields beyond the header's are kept, so that they are rejected.

    What a field stands in stays: quotes tell an empty text from nothing, and a text from null.
    """

    delimiter: str
    width: int  # fields of the header
    kept: Sequence[int]  # the places of those that are sent
    converters: Mapping[int, Callable[[str], str | None]]

    def rewrite(self, records: Sequence[bytes]) -> bytes:
        """Return the records as comma-separated CSV."""
        return join_records(map(self._change, split_records(records, self.delimiter)))

    def _change(self, fields: list[str]) -> list[str]:
        if len(fields) < self.width:  # which left out fields must not hide
            return fields + [""] * (len(self.kept) + 1 - len(fields))
        for place, convert in self.converters.items():
            text = read_field(fields[place])
            if text is not None and (converted := convert(text)) != text:
                fields[place] = LONE_NULL if converted is None else write_field(converted)
        return [fields[place] for place in self.kept] + fields[self.width :]


@dataclass(frozen=True, slots=True)
class JsonChange:
    """Rewrites JSON objects; the text of a value that is not changed is kept."""

    renamed: Mapping[str, str]
    nulls: Collection[str]
    find_converter: Callable[[str], Convert | None]  # by the column
    objects: frozenset[str] = frozenset()

    def rewrite(self, row: bytes) -> bytes:
        """Return the row; what is not an object, or repeats a key, is left for the service."""
        members = read_members(row)
        if members is None:
            return row
        columns = ((self.renamed.get(name, name), bytes(value)) for name, value in members.items())
        parts = [
            encode_json(column) + b":" + self._change(column, value)
            for column, value in columns
            if column
        ]
        return b"{" + b",".join(parts) + b"}"

    def _change(self, column: str, value: bytes) -> bytes:
        if not value.startswith(b'"'):
            is_object = value.startswith((b"{", b"[")) and column in self.objects
            return encode_json(value.decode()) if is_object else value
        text = decode_text(value)
        if text in self.nulls:
            return b"null"
        convert = self.find_converter(column)
        converted = convert(text) if convert else text
        return value if converted == text else encode_json(converted)
