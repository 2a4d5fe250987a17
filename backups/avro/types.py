"""How each PostgreSQL type is stored in Avro and read back: one small adapter a type.

PostgreSQL itself casts a column to one of seven primitive types (boolean, int, long, float, double,
string, bytes), so that a whole table is encoded by columns. What none of them holds exactly
(numeric without precision, arrays with their bounds, intervals, ranges, enums, json …) is stored
as the text that PostgreSQL writes and reads back unchanged.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, LiteralString
from typing import Literal as OneOf

import polars as pl

# The child process imports this too, and would wait for the database driver to be loaded.
if TYPE_CHECKING:
    from ingest.catalog.definitions import Column

Primitive = OneOf["boolean", "int", "long", "float", "double", "string", "bytes"]

# A decimal of more digits does not fit the 64 bits in which PostgreSQL sends it.
MAX_DECIMAL_DIGITS = 18

DECIMAL_BYTES = 8  # as int8send writes them

# Years 1 to 9999: what other readers' dates can hold. A column with a value outside of them, or
# with an infinite one, is stored as text.
DAYS = (-719162, 2932896)
MICROSECONDS = (-62135596800000000, 253402300799999999)


@dataclass(frozen=True, kw_only=True)
class TypeAdapter:
    """How one type is written (`select`, `primitive`, `attributes`) and read (`to_text`)."""

    primitive: Primitive
    # SQL of the primitive value; {0} is the column, {1} the factor
    select: LiteralString = "{0}::text"
    factor: int = 1
    attributes: Mapping[str, Any] = field(default_factory=dict)  # of the Avro type
    # Whether the logical type holds all these primitive values.
    can_hold: Callable[[pl.Series], bool] = lambda values: True
    # A polars expression of what COPY reads; strings are escaped by `RowCodec`.
    to_text: Callable[[pl.Expr], pl.Expr] = lambda values: values

    @property
    def avro_type(self) -> str | dict[str, Any]:
        """The Avro schema of a value that is not null."""
        return {"type": self.primitive, **self.attributes} if self.attributes else self.primitive


def _time_text(dtype: pl.DataType, form: str) -> Callable[[pl.Expr], pl.Expr]:
    return lambda values: values.cast(dtype).dt.to_string(form)


def _between(low: int, high: int) -> Callable[[pl.Series], bool]:
    return lambda values: values.is_between(low, high).all()


def _bytes_text(values: pl.Expr) -> pl.Expr:
    return pl.lit("\\\\x") + values.bin.encode("hex")  # COPY undoes the doubled backslash


def _decimal_text(scale: int) -> Callable[[pl.Expr], pl.Expr]:
    def to_text(values: pl.Expr) -> pl.Expr:
        number = values.bin.reinterpret(dtype=pl.Int64, endianness="big")
        if scale == 0:
            return number.cast(pl.String)
        digits = number.abs().cast(pl.String).str.zfill(scale + 1)
        sign = pl.when(number < 0).then(pl.lit("-")).otherwise(pl.lit(""))
        return sign + digits.str.head(-scale) + pl.lit(".") + digits.str.tail(scale)

    return to_text


TEXT = TypeAdapter(primitive="string")

_adapters: dict[str, TypeAdapter] = {
    "bool": TypeAdapter(primitive="boolean", select="{0}::bool"),
    "int2": TypeAdapter(primitive="int", select="{0}::int4"),
    "int4": TypeAdapter(primitive="int", select="{0}::int4"),
    "int8": TypeAdapter(primitive="long", select="{0}::int8"),
    "float4": TypeAdapter(primitive="float", select="{0}::float4"),
    "float8": TypeAdapter(primitive="double", select="{0}::float8"),
    "bytea": TypeAdapter(primitive="bytes", select="{0}::bytea", to_text=_bytes_text),
    "uuid": TypeAdapter(primitive="string", attributes={"logicalType": "uuid"}),
    # The cast to text drops the blanks that pad a char(n); its output function does not.
    "bpchar": TypeAdapter(primitive="string", select="textin(bpcharout({0}::bpchar))"),
    "date": TypeAdapter(
        primitive="int",
        select="{0}::date",
        attributes={"logicalType": "date"},
        can_hold=_between(*DAYS),
        to_text=_time_text(pl.Date(), "%Y-%m-%d"),
    ),
    "timestamp": TypeAdapter(
        primitive="long",
        select="{0}::timestamp",
        attributes={"logicalType": "local-timestamp-micros"},
        can_hold=_between(*MICROSECONDS),
        to_text=_time_text(pl.Datetime("us"), "%Y-%m-%d %H:%M:%S%.6f"),
    ),
    "timestamptz": TypeAdapter(
        primitive="long",
        select="{0}::timestamptz",
        attributes={"logicalType": "timestamp-micros"},
        can_hold=_between(*MICROSECONDS),
        to_text=_time_text(pl.Datetime("us"), "%Y-%m-%d %H:%M:%S%.6f+00"),
    ),
}


def choose_adapter(column: "Column", *, as_text: bool = False) -> TypeAdapter:
    """Return the adapter of a column; `as_text` where its values do not fit the usual one."""
    if as_text or column.kind in {"array", "enum", "composite"}:
        return TEXT
    if column.base == "numeric":
        return _numeric_adapter(column.precision_scale)
    return _adapters.get(column.base, TEXT)


def _numeric_adapter(bounds: tuple[int, int] | None) -> TypeAdapter:
    if bounds is None:
        return TEXT
    precision, scale = bounds
    if precision > MAX_DECIMAL_DIGITS or not 0 <= scale <= precision:
        return TEXT
    # A whole number of the last digit, which int8send writes as eight bytes, most significant
    # first: what Avro calls a decimal. NaN, which no decimal is, becomes no bytes.
    return TypeAdapter(
        primitive="bytes",
        select="CASE WHEN {0} = 'NaN' THEN ''::bytea ELSE int8send(({0} * {1})::int8) END",
        factor=10**scale,
        attributes={"logicalType": "decimal", "precision": precision, "scale": scale},
        can_hold=lambda values: (values.bin.size() == DECIMAL_BYTES).all(),
        to_text=_decimal_text(scale),
    )


def find_adapter(avro_type: Any, base: str) -> TypeAdapter:
    """Return the adapter that wrote an Avro type (without its null) for a PostgreSQL type.

    Raise ValueError for what no adapter writes.
    """
    candidates = [_adapters.get(base, TEXT), TEXT]
    if isinstance(avro_type, dict) and avro_type.get("logicalType") == "decimal":
        precision, scale = avro_type.get("precision"), avro_type.get("scale")
        if isinstance(precision, int) and isinstance(scale, int):
            candidates.append(_numeric_adapter((precision, scale)))
    for adapter in candidates:
        if adapter.avro_type == avro_type:
            return adapter
    raise ValueError(f"no backup writes the Avro type {avro_type!r}")
