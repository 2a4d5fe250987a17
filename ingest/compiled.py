"""Whole batches encoded for COPY by compiled code (ingest/native), where it was built.

What it encodes, Python would store in the same way. What it leaves alone may be right or wrong:
Python looks at it.
"""

import ctypes
import logging
import threading
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from ingest.catalog import Column, Table
from ingest.copying import CopyData, EncodedRows
from ingest.examination import Field, Limits

logger = logging.getLogger("rowhouse.ingest")

LIBRARY = Path(__file__).parent / "native" / "rows.so"

# The order of `enum kind` in ingest/native/batch.h.
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

# Digits of a number on either side of its point: MOST_DIGITS in ingest/native/numbers.c.
_NUMBER_DIGITS = 300

# A thread has one buffer for all tables; it grows to what batches need.
_BUFFER_BYTES = 1 << 18
_scratch = threading.local()

# Does the work: ingest/native/batch.h says what it is given and returns.
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


class _Slice(ctypes.Structure):
    _fields_ = [("start", ctypes.c_int64), ("size", ctypes.c_int64)]


class _Batch(ctypes.Structure):
    _fields_ = [
        ("fields", ctypes.POINTER(_Field)),
        ("field_count", ctypes.c_int32),
        ("set_count", ctypes.c_int32),
        ("slot_count", ctypes.c_int32),
        ("max_rows", ctypes.c_int64),
        ("max_row_bytes", ctypes.c_int64),
        ("body", ctypes.c_char_p),
        ("body_size", ctypes.c_int64),
        ("out", ctypes.c_void_p),
        ("capacity", ctypes.c_int64),
        ("sets", ctypes.POINTER(_Slice)),
        ("size", ctypes.c_int64),
        ("rows", ctypes.c_int64),
        ("written", ctypes.c_bool * 1600),
    ]


class RowEncoder:
    """Encodes batches for one table in one version of its definition."""

    def __init__(
        self, library: ctypes.CDLL, table: Table, fields: Sequence[Field], limits: Limits
    ) -> None:
        self._library = library
        columns = [each.column for each in fields]
        self._names = [column.name for column in columns]
        self._places = {name: place for place, name in enumerate(self._names)}
        referring = {key.columns[0] for key in table.foreign_keys}
        self._collected = [name for name in self._names if name in referring]
        self._limits = limits
        self._fields = (_Field * len(fields))(*map(self._describe, columns))

    def encode_json(self, array: bytes) -> EncodedRows | None:
        """Return the rows of a JSON array, whose text is UTF-8, if they are beyond doubt."""
        return self._encode(array, self._library.encode_json_rows)

    def encode_csv(self, body: bytes, start: int, names: Sequence[str]) -> EncodedRows | None:
        """Return the CSV records from a place in the body on, with fields of these columns."""
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

    def _encode(self, body: bytes, work: _Work) -> EncodedRows | None:
        # More than there can be rows, each of which takes a byte at least.
        slots = 1 << min(self._limits.max_rows, len(body)).bit_length()
        sets = (_Slice * (len(self._collected) * slots))()
        batch = self._prepare(body, sets, slots)
        while (outcome := work(batch)) == _BUFFER_FULL:
            _scratch.buffer = ctypes.create_string_buffer(2 * batch.capacity)
            batch = self._prepare(body, sets, slots)
        if outcome == _UNSURE:
            return None
        written = zip(self._names, batch.written, strict=False)
        return EncodedRows(
            columns=tuple(name for name, is_written in written if is_written),
            count=batch.rows,
            data=CopyData(ctypes.string_at(batch.out, batch.size), "binary"),
            values={
                name: _read_set(body, sets, place, slots)
                for place, name in enumerate(self._collected)
            },
        )

    def _prepare(self, body: bytes, sets: "ctypes.Array[_Slice]", slots: int) -> _Batch:
        # A new buffer for each batch would cost more than the encoding.
        if not hasattr(_scratch, "buffer"):
            _scratch.buffer = ctypes.create_string_buffer(_BUFFER_BYTES)
        return _Batch(
            fields=self._fields,
            field_count=len(self._fields),
            set_count=len(self._collected),
            slot_count=slots,
            max_rows=self._limits.max_rows,
            max_row_bytes=self._limits.max_row_bytes,
            body=body,
            body_size=len(body),
            out=ctypes.addressof(_scratch.buffer),
            capacity=len(_scratch.buffer),
            sets=sets,
        )


def make_encoder(table: Table, fields: Sequence[Field], limits: Limits) -> RowEncoder | None:
    """Return an encoder for a table, None where there can be none."""
    library = load_library()
    if library is None or not table.copyable or not fields:
        return None
    if limits.max_number_digits < _NUMBER_DIGITS:
        return None
    if not all(_is_encodable(each.column) for each in fields):
        return None
    return RowEncoder(library, table, fields, limits)


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
    library.encode_csv_rows.argtypes = [
        ctypes.POINTER(_Batch),
        ctypes.POINTER(ctypes.c_int32),
        ctypes.c_int32,
        ctypes.c_int64,
    ]
    return library


def _read_set(body: bytes, sets: "ctypes.Array[_Slice]", place: int, slots: int) -> set[str]:
    # A structure for each slice would take as long as all the encoding.
    numbers = memoryview(sets).cast("B").cast("q")[2 * place * slots : 2 * (place + 1) * slots]
    starts, sizes = numbers[::2].tolist(), numbers[1::2].tolist()
    count = sizes.index(-1)
    return {
        body[start : start + size].decode()
        for start, size in zip(starts[:count], sizes[:count], strict=True)
    }


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
    """Return the limit and the scale of a column (`struct field` in ingest/native/batch.h)."""
    if column.base == "numeric":
        precision, scale = column.precision_scale or (2 * _NUMBER_DIGITS, _NUMBER_DIGITS)
        return precision - scale, scale
    if column.base in {"timestamp", "timestamptz"}:
        return column.fraction_digits, 0
    return (-1 if column.max_length is None else column.max_length), 0
