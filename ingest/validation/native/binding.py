"""Batches encoded for COPY by compiled code (beside it), where it was built.

What it encodes, Python would store in the same way. What it leaves alone may be right or wrong:
Python looks at it.
"""

import threading
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any

import msgspec

from ingest.catalog.definitions import ASKABLE_TYPES, Column, Table
from ingest.validation.fields import Field, Limits
from ingest.validation.native.encoded_rows import EncodedBatch
from ingest.validation.native.library import CData, Library, load_library

_TEXTS = {"text", "varchar", "bpchar"}

# A thread has one buffer for all tables; it grows to what batches need.
_BUFFER_BYTES = 1 << 18
_scratch = threading.local()

_read_plain = msgspec.json.Decoder(list[int | str | None]).decode
_split = msgspec.json.Decoder(list[msgspec.Raw]).decode

# Does the work: batch.h says what it is given and returns.
_Work = Callable[[CData], int]


class _Batch(msgspec.Struct, frozen=True):
    """A `struct batch`, with the memory it points to: cffi frees what Python no longer holds."""

    struct: CData
    body: CData
    noted: CData
    rows: CData


class RowEncoder:
    """Encodes batches for one table in one version of its definition.

    `read` are the columns whose values may be asked for row by row, beside those of foreign keys.
    """

    def __init__(
        self,
        library: Library,
        table: Table,
        fields: Sequence[Field],
        limits: Limits,
        read: Collection[str],
    ) -> None:
        self._library = library
        self._ffi = library.ffi
        columns = [each.column for each in fields]
        self._names = [column.name for column in columns]
        self._places = {name: place for place, name in enumerate(self._names)}
        referring = {key.columns[0] for key in table.foreign_keys}
        watched = [each for each in columns if each.name in referring.union(read)]
        self._watched = {each.name: (each, place) for place, each in enumerate(watched)}
        self._watched_places = self._list_places(self._watched)
        self._limits = limits
        self._texts = [self._ffi.from_buffer("uint8_t[]", name.encode()) for name in self._names]
        self._fields = self._ffi.new("struct field[]", list(map(self._describe, fields)))
        # What does not change from batch to batch.
        self._form = self._ffi.new(
            "struct batch *",
            {
                "fields": self._fields,
                "field_count": len(columns),
                "watched": self._watched_places,
                "watched_count": len(watched),
                "max_rows": limits.max_rows,
                "max_row_bytes": limits.max_row_bytes,
            },
        )

    def encode_json(self, array: bytes) -> EncodedBatch | None:
        """Return the rows of a JSON array, whose text is UTF-8; None where they are not certain.

        Rows that are in doubt are left, and None is returned if all of them are.
        """
        return self._encode(array, self._library.code.encode_json_rows)

    def encode_csv(
        self, body: bytes, start: int, names: Sequence[str], nulls: Sequence[str] = ()
    ) -> EncodedBatch | None:
        """Return the CSV records from a place in the body on, with fields of these columns.

        Rows that are in doubt are left; None where all of them are, or where records begin is.
        """
        order = self._list_places(names)
        texts = [self._ffi.from_buffer("uint8_t[]", word.encode()) for word in nulls]
        words = self._ffi.new("struct word[]", [(text, len(text)) for text in texts])

        def work(batch: CData) -> int:
            batch.nulls, batch.null_count = words, len(texts)
            return int(self._library.code.encode_csv_rows(batch, order, len(order), start))

        return self._encode(body, work)

    def _list_places(self, names: Collection[str]) -> CData:
        return self._ffi.new("int32_t[]", [self._places[name] for name in names])

    def _describe(self, field: Field) -> dict[str, Any]:
        """Return the members of a column's `struct field`."""
        column = field.column
        name = self._texts[self._places[column.name]]
        limit, scale = _bounds_of(column, self._library.code.MOST_DIGITS)
        return {
            "name": name,
            "name_size": len(name),
            "kind": self._library.kinds[_kind_of(column)],
            "limit": limit,
            "scale": scale,
            "nullable": not column.not_null,
            "defaulted": column.has_default,
            "required": column.required,
            "refuses_blank": field.refuses_blank,
        }

    def _make_batch(self, body: bytes) -> _Batch:
        new = self._ffi.new
        most = min(self._limits.max_rows, len(body))  # a row takes a byte at least
        batch = _Batch(
            struct=new("struct batch *", self._form[0]),
            body=self._ffi.from_buffer("uint8_t[]", body),
            noted=new("struct slice[]", most * len(self._watched)),
            rows=new("struct row[]", most),
        )
        struct = batch.struct
        struct.body, struct.body_size = batch.body, len(body)
        struct.noted, struct.rows = batch.noted, batch.rows
        return batch

    def _encode(self, body: bytes, work: _Work) -> EncodedBatch | None:
        code = self._library.code
        batch = self._make_batch(body)
        struct = batch.struct
        self._give_room(struct)
        while (outcome := work(struct)) == code.BUFFER_FULL:
            _scratch.buffer = self._ffi.new("uint8_t[]", 2 * struct.capacity)
            self._give_room(struct)
        if outcome == code.UNSURE:
            return None
        rows = self._library.read_members(batch.rows, struct.row_count)
        written = zip(self._names, struct.written, strict=False)
        return EncodedBatch(
            columns=tuple(name for name, is_written in written if is_written),
            tuples=self._ffi.buffer(struct.out, struct.size)[:],
            tuple_ends=rows["tuple_end"],
            is_whole=struct.tuple_count == struct.row_count,
            body=body,
            starts=rows["start"],
            ends=rows["end"],
            read_column=partial(self._read_column, batch),
        )

    def _give_room(self, struct: CData) -> None:
        # A new buffer for each batch would cost more than the encoding.
        if not hasattr(_scratch, "buffer"):
            _scratch.buffer = self._ffi.new("uint8_t[]", _BUFFER_BYTES)
        struct.out, struct.capacity = _scratch.buffer, len(_scratch.buffer)

    def _read_column(self, batch: _Batch, name: str) -> Sequence[Any]:
        column, place = self._watched[name]
        code, struct = self._library.code, batch.struct
        room = struct.body_size + code.MOST_NULL_BYTES * struct.row_count + 2
        text = self._ffi.new("uint8_t[]", room)
        size = code.list_values(struct, place, text)
        read = _read_plain if column.base in ASKABLE_TYPES else _read_raw
        return read(memoryview(self._ffi.buffer(text, size)))


def make_encoder(
    table: Table, fields: Sequence[Field], limits: Limits, read: Collection[str] = ()
) -> RowEncoder | None:
    """Return an encoder for a table, None where there can be none.

    `read` are the columns whose values may be asked for row by row, beside those of foreign keys.
    """
    library = load_library()
    if library is None or not table.copyable or not fields:
        return None
    if limits.max_number_digits < library.code.MOST_DIGITS:
        return None
    if not all(_is_encodable(each.column, library.kinds) for each in fields):
        return None
    return RowEncoder(library, table, fields, limits, read)


def _read_raw(array: memoryview) -> list[msgspec.Raw | None]:
    return [None if bytes(value) == b"null" else value for value in _split(array)]


def _is_encodable(column: Column, kinds: Collection[str]) -> bool:
    if column.kind not in {"base", "text"} or _kind_of(column) not in kinds:
        return False
    if "." in column.base_type:  # another schema's type of this name
        return False
    if not column.name.isprintable() or set(column.name) & set('"\\'):
        return False  # JSON may write the name with escapes
    bounds = column.precision_scale
    return bounds is None or bounds[0] > bounds[1] >= 0


def _kind_of(column: Column) -> str:
    return "text" if column.base in _TEXTS else column.base


def _bounds_of(column: Column, most_digits: int) -> tuple[int, int]:
    """Return the limit and the scale of a column (`struct field` in batch.h)."""
    if column.base == "numeric":
        precision, scale = column.precision_scale or (2 * most_digits, most_digits)
        return precision - scale, scale
    if column.base in {"timestamp", "timestamptz"}:
        return column.fraction_digits, 0
    return (-1 if column.max_length is None else column.max_length), 0
