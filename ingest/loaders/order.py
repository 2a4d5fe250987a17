"""Which batches of a load must not overtake one another, as their rows' values tell."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any, NamedTuple

import msgspec

from ingest.catalog.column_names import NameMatcher
from ingest.loaders.client import IngestClient, ServiceRefused
from ingest.loaders.formats.csv_rows import read_field, split_csv, split_records
from ingest.loaders.formats.files import Batch
from ingest.loaders.formats.rows import FileMalformed
from ingest.loaders.responses import TableDescription

_UUID_MARKS = str.maketrans("", "", "-{}")

# The form that a value shares with all that PostgreSQL calls equal; ValueError where that is not
# certain. Only types with such a form are keys of an order.
_FORMS: Mapping[str, Callable[[str], Any]] = {
    "smallint": int,
    "integer": int,
    "bigint": int,
    "uuid": lambda text: text.translate(_UUID_MARKS).lower(),
}

Values = tuple[Any, ...]


class Claims(NamedTuple):
    """What rows of a batch do to others: the keys they may take, and those that they refer to."""

    taken: frozenset[tuple[int, Values]]
    wanted: frozenset[tuple[int, Values]]

    def depend_on(self, earlier: "Claims") -> bool:
        """Return whether the rows' outcome may depend on that of earlier ones."""
        return not earlier.taken.isdisjoint(self.taken | self.wanted)


class RowOrder:
    """Tells which batches of one table depend on each other.

    Rows do that have the same key, and a row that refers to another of the same table. Where only
    the database can tell, every batch depends on the one before.
    """

    def __init__(self, table: TableDescription) -> None:
        order = table.order
        self._is_strict = order.always
        self._types = {column.name: column.type for column in table.columns}
        self._written = [column.name for column in table.columns if not column.read_only]
        self._matcher = NameMatcher(self._types)
        numbers: dict[tuple[str, ...], int] = {}
        # Which columns hold a key, by the number of the key: a reference has that of its target.
        self._taken: list[tuple[int, Sequence[str]]] = []
        self._wanted: list[tuple[int, Sequence[str]]] = []
        for key in map(tuple, map(sorted, order.keys)):
            self._taken.append((numbers.setdefault(key, len(numbers)), key))
        for parent in order.parents:
            pairs = sorted(zip(parent.referenced, parent.columns, strict=True))
            number = numbers[tuple(referenced for referenced, _ in pairs)]
            self._wanted.append((number, [column for _, column in pairs]))

    @property
    def parents(self) -> list[frozenset[str]]:
        """The columns of each reference to rows of the same table."""
        return [frozenset(columns) for _, columns in self._wanted]

    def read(self, batch: Batch) -> Claims | None:
        """Return what a batch's rows claim; None where they may depend on any other row."""
        if self._is_strict:
            return None
        names = {name for _, columns in self._taken + self._wanted for name in columns}
        if not names:
            return Claims(frozenset(), frozenset())
        with suppress(ValueError, FileMalformed, msgspec.DecodeError, RecursionError):
            columns = self._read_columns(batch, names)
            return Claims(_claim(self._taken, columns), _claim(self._wanted, columns))
        return None

    def _read_columns(self, batch: Batch, names: set[str]) -> dict[str, list[Any]]:
        """Return the values of these columns, row by row, in the form that equal ones share."""
        is_csv = batch.layout.content_type == "text/csv"
        texts = self._read_csv(batch, names) if is_csv else _read_json(batch, names)
        return {name: self._unify(name, column) for name, column in texts.items()}

    def _unify(self, name: str, column: Iterable[str | None]) -> list[Any]:
        form = _FORMS.get(self._types[name], str.rstrip)
        return [None if text is None else form(text) for text in column]

    def _read_csv(self, batch: Batch, names: set[str]) -> dict[str, list[str | None]]:
        texts = chain.from_iterable(rows.texts for rows in split_csv([batch.body]))
        records = list(split_records(texts))
        header = self._written
        if "header" not in batch.layout.params:
            titles = map(read_field, records.pop(0))
            header = [self._find_column(title or "") for title in titles]
        nulls = batch.layout.params.get("null", ())
        places = [(place, name) for place, name in enumerate(header) if name in names]
        # A record that lacks the field is no row.
        fields = {
            name: [record[place] if place < len(record) else "" for record in records]
            for place, name in places
        }
        return {
            name: [None if field in nulls else read_field(field) for field in column]
            for name, column in fields.items()
        }

    def _find_column(self, title: str) -> str:
        found = self._matcher.find(title)
        return found[0] if len(found) == 1 else ""


def read_order(client: IngestClient, table: str) -> RowOrder:
    """Return the order of a table's rows; the strictest where the key may not read what it is."""
    try:
        return RowOrder(client.describe_table(table))
    except ServiceRefused:
        return RowOrder(TableDescription([]))


def _claim(
    keys: Sequence[tuple[int, Sequence[str]]], columns: Mapping[str, Sequence[Any]]
) -> frozenset[tuple[int, Values]]:
    """Return the keys of all rows; a row in which a column is missing or null has none."""
    return frozenset(
        (number, values)
        for number, names in keys
        if columns.keys() >= set(names)
        for values in zip(*(columns[name] for name in names), strict=True)
        if None not in values
    )


def _read_json(batch: Batch, names: set[str]) -> dict[str, list[str | None]]:
    chosen = {f"f{place}": name for place, name in enumerate(sorted(names))}
    kind = msgspec.defstruct(
        "Row", [(field, msgspec.Raw, msgspec.Raw(b"null")) for field in chosen], rename=chosen
    )
    if batch.layout.content_type == "application/json":
        rows: list[Any] = msgspec.json.decode(batch.body, type=list[kind])  # type: ignore[valid-type]
    else:
        rows = msgspec.json.Decoder(kind).decode_lines(batch.body)
    return {
        name: [_read_text(getattr(row, field)) for row in rows] for field, name in chosen.items()
    }


def _read_text(value: msgspec.Raw) -> str | None:
    text = bytes(value)
    if text.startswith(b'"'):
        return msgspec.json.decode(text, type=str)
    return None if text == b"null" else text.decode()
