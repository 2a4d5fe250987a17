"""Batches encoded for COPY by compiled code (beside it), where it was built.

What it encodes, Python would store in the same way. What it leaves alone may be right or wrong:
Python looks at it.
"""

import ctypes
import logging
import threading
from collections.abc import Callable, Collection, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import msgspec

from ingest.catalog.definitions import ASKABLE_TYPES, Column, Table
from ingest.validation.fields import Field, Limits
from ingest.validation.native.encoded_rows import EncodedBatch

logger = logging.getLogger("rowhouse.ingest")

LIBRARY = Path(__file__).with_name("rows.so")

# The order of `enum kind` in ingest/validation/native/batch.h.
_KINDS = (
    "int2",
    "int4",
    "int8",
    "float4",
    "float8",
    "numeric",
    "bool",
    "text",
    "uuid",
    "date",
    "timestamp",
    "timestamptz",
)
_TEXTS = {"text", "varchar", "bpchar"}
# `enum outcome` there.
_ENCODED, _UNSURE, _BUFFER_FULL = range(3)

# MOST_NULL_BYTES there.
_NULL_BYTES = 5

# Digits of a number on either side of its point: MOST_DIGITS in ingest/validation/native/numbers.c.
_NUMBER_DIGITS = 300

# A thread has one buffer for all tables; it grows to what batches need.
_BUFFER_BYTES = 1 << 18
_scratch = threading.local()

_read_plain = msgspec.json.Decoder(list[int | str | None]).decode
_split = msgspec.json.Decoder(list[msgspec.Raw]).decode

# Does the work: ingest/validation/native/batch.h says what it is given and returns.
_Work = Callable[["_Batch"], int]


class _Field(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("name_size", ctypes.c_int32),
        ("kind", ctypes.c_int32),
        ("limit", ctypes.c_int32),
        ("scale", ctypes.c_int32),
        ("nullable", ctypes.c_bool),
        ("defaulted", ctypes.c_bool),
        ("required", ctypes.c_bool),
        ("set", ctypes.c_int32),
    ]


class _Batch(ctypes.Structure):
    _fields_ = [
        ("fields", ctypes.POINTER(_Field)),
        ("field_count", ctypes.c_int32),
        ("set_count", ctypes.c_int32),
        ("slot_count", ctypes.c_int32),
        ("watched_count", ctypes.c_int32),
        ("watched", ctypes.POINTER(ctypes.c_int32)),
        ("max_rows", ctypes.c_int64),
        ("max_row_bytes", ctypes.c_int64),
        ("body", ctypes.c_char_p),
        ("body_size", ctypes.c_int64),
        ("out", ctypes.c_void_p),
        ("capacity", ctypes.c_int64),
        # Arrays of structures whose members are all of this type.
        ("sets", ctypes.POINTER(ctypes.c_int64)),
        ("noted", ctypes.POINTER(ctypes.c_int64)),
        ("rows", ctypes.POINTER(ctypes.c_int64)),
        ("row_count", ctypes.c_int64),
        ("tuple_count", ctypes.c_int64),
        ("size", ctypes.c_int64),
        ("noted_bare", ctypes.c_bool),
        ("written", ctypes.c_bool * 1600),
    ]


class RowEncoder:
    """Encodes batches for one table in one version of its definition.

    `read` are the columns whose values may be asked for row by row, beside those of foreign keys.
    """

    def __init__(
        self,
        library: ctypes.CDLL,
        table: Table,
        fields: Sequence[Field],
        limits: Limits,
        read: Collection[str],
    ) -> None:
        self._library = library
        columns = [each.column for each in fields]
        self._names = [column.name for column in columns]
        self._places = {name: place for place, name in enumerate(self._names)}
        referring = {key.columns[0] for key in table.foreign_keys}
        self._collected = [name for name in self._names if name in referring]
        watched = [each for each in columns if each.name in referring.union(read)]
        self._watched = {each.name: (each, place) for place, each in enumerate(watched)}
        places = (self._places[name] for name in self._watched)
        self._watched_places = (ctypes.c_int32 * len(watched))(*places)
        self._limits = limits
        self._fields = (_Field * len(fields))(*map(self._describe, columns))

    def encode_json(self, array: bytes) -> EncodedBatch | None:
        """Return the rows of a JSON array, whose text is UTF-8; None where they are not certain.

        Rows that are in doubt are left, and None is returned if all of them are.
        """
        return self._encode(array, self._library.encode_json_rows)

    def encode_csv(self, body: bytes, start: int, names: Sequence[str]) -> EncodedBatch | None:
        """Return the CSV records from a place in the body on, with fields of these columns.

        Rows that are in doubt are left; None where all of them are, or where records begin is.
        """
        order = (ctypes.c_int32 * len(names))(*map(self._places.__getitem__, names))

        def work(batch: _Batch) -> int:
            return int(self._library.encode_csv_rows(batch, order, len(names), start))

        return self._encode(body, work)

    def _describe(self, column: Column) -> _Field:
        limit, scale = _bounds_of(column)
        return _Field(
            name=column.name.encode(),
            name_size=len(column.name.encode()),
            kind=_KINDS.index(_kind_of(column)),
            limit=limit,
            scale=scale,
            nullable=not column.not_null,
            defaulted=column.has_default,
            required=column.required,
            set=self._collected.index(column.name) if column.name in self._collected else -1,
        )

    def _encode(self, body: bytes, work: _Work) -> EncodedBatch | None:
        most = min(self._limits.max_rows, len(body))  # a row takes a byte at least
        slots = 1 << most.bit_length()
        sets = _make_numbers(2 * slots * len(self._collected))
        noted = _make_numbers(2 * most * len(self._watched))
        rows = _make_numbers(3 * most)
        batch = _Batch(
            fields=self._fields,
            field_count=len(self._fields),
            set_count=len(self._collected),
            slot_count=slots,
            watched_count=len(self._watched),
            watched=self._watched_places,
            max_rows=self._limits.max_rows,
            max_row_bytes=self._limits.max_row_bytes,
            body=body,
            body_size=len(body),
            sets=sets,
            noted=noted,
            rows=rows,
        )
        _give_room(batch)
        while (outcome := work(batch)) == _BUFFER_FULL:
            _scratch.buffer = ctypes.create_string_buffer(2 * batch.capacity)
            _give_room(batch)
        if outcome == _UNSURE:
            return None
        written = zip(self._names, batch.written, strict=False)
        bounds = _read_numbers(rows)[: 3 * batch.row_count]
        return EncodedBatch(
            columns=tuple(name for name, is_written in written if is_written),
            tuples=ctypes.string_at(batch.out, batch.size),
            tuple_ends=bounds[2::3],
            is_whole=batch.tuple_count == batch.row_count,
            body=body,
            starts=bounds[0::3],
            ends=bounds[1::3],
            values={
                name: _read_set(body, sets, place, slots)
                for place, name in enumerate(self._collected)
            },
            read_column=partial(self._read_column, batch),
        )

    def _read_column(self, batch: _Batch, name: str) -> Sequence[Any]:
        column, place = self._watched[name]
        room = ctypes.create_string_buffer(batch.body_size + _NULL_BYTES * batch.row_count + 2)
        size = self._library.list_values(batch, place, room)
        read = _read_plain if column.base in ASKABLE_TYPES else _read_raw
        return read(memoryview(room)[:size])


def make_encoder(
    table: Table, fields: Sequence[Field], limits: Limits, read: Collection[str] = ()
) -> RowEncoder | None:
    """Return an encoder for a table, None where there can be none.

    `read` are the columns whose values may be asked for row by row, beside those of foreign keys.
    """
    library = load_library()
    if library is None or not table.copyable or not fields:
        return None
    if limits.max_number_digits < _NUMBER_DIGITS:
        return None
    if not all(_is_encodable(each.column) for each in fields):
        return None
    return RowEncoder(library, table, fields, limits, read)


@cache
def load_library() -> ctypes.CDLL | None:
    """Return the compiled code, None where it was not built, or not from these sources."""
    if not LIBRARY.exists():
        return None
    try:
        library = ctypes.CDLL(str(LIBRARY))
        layout = ctypes.c_int64.in_dll(library, "layout").value
    except (OSError, ValueError):
        layout = 0
    if layout != ctypes.sizeof(_Batch) + ctypes.sizeof(_Field):
        logger.warning("The compiled code is of another version or machine: build it again")
        return None
    library.encode_json_rows.argtypes = [ctypes.POINTER(_Batch)]
    library.list_values.argtypes = [
        ctypes.POINTER(_Batch),
        ctypes.c_int32,
        ctypes.c_char_p,
    ]
    library.list_values.restype = ctypes.c_int64
    library.encode_csv_rows.argtypes = [
        ctypes.POINTER(_Batch),
        ctypes.POINTER(ctypes.c_int32),
        ctypes.c_int32,
        ctypes.c_int64,
    ]
    return library


def _give_room(batch: _Batch) -> None:
    # A new buffer for each batch would cost more than the encoding.
    if not hasattr(_scratch, "buffer"):
        _scratch.buffer = ctypes.create_string_buffer(_BUFFER_BYTES)
    batch.out = ctypes.addressof(_scratch.buffer)
    batch.capacity = len(_scratch.buffer)


def _make_numbers(count: int) -> "ctypes.Array[ctypes.c_int64]":
    return (ctypes.c_int64 * count)()


def _read_numbers(array: "ctypes.Array[ctypes.c_int64]") -> "memoryview[int]":
    return memoryview(array).cast("B").cast("q")


def _read_set(
    body: bytes, sets: "ctypes.Array[ctypes.c_int64]", place: int, slots: int
) -> set[str]:
    numbers = _read_numbers(sets)[2 * place * slots : 2 * (place + 1) * slots]
    starts, sizes = numbers[::2].tolist(), numbers[1::2].tolist()
    count = sizes.index(-1)
    return {
        body[start : start + size].decode()
        for start, size in zip(starts[:count], sizes[:count], strict=True)
    }


def _read_raw(array: memoryview) -> list[msgspec.Raw | None]:
    return [None if bytes(value) == b"null" else value for value in _split(array)]


def _is_encodable(column: Column) -> bool:
    if column.kind not in {"base", "text"} or _kind_of(column) not in _KINDS:
        return False
    if "." in column.base_type:  # another schema's type of this name
        return False
    if not column.name.isprintable() or set(column.name) & set('"\\'):
        return False  # JSON may write the name with escapes
    bounds = column.precision_scale
    return bounds is None or bounds[0] > bounds[1] >= 0


def _kind_of(column: Column) -> str:
    return "text" if column.base in _TEXTS else column.base


def _bounds_of(column: Column) -> tuple[int, int]:
    """Return the limit and the scale of a column (`struct field` in batch.h)."""
    if column.base == "numeric":
        precision, scale = column.precision_scale or (2 * _NUMBER_DIGITS, _NUMBER_DIGITS)
        return precision - scale, scale
    if column.base in {"timestamp", "timestamptz"}:
        return column.fraction_digits, 0
    return (-1 if column.max_length is None else column.max_length), 0
