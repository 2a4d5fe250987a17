"""Which values each PostgreSQL type takes: one small adapter a type, registered here."""

from collections.abc import Callable

from ingest.catalog.definitions import Column
from ingest.validation.values import floats, numbers, structures, texts, times
from ingest.validation.values.adapter import Adapter

__all__ = ["adapter_for"]

_adapters: dict[str, Callable[[Column], Adapter]] = {
    **dict.fromkeys(numbers.INTEGER_BITS, lambda column: numbers.integer_adapter(_type_of(column))),
    "float4": lambda column: floats.float_adapter("float4"),
    "float8": lambda column: floats.float_adapter("float8"),
    "numeric": lambda column: numbers.numeric_adapter(column.precision_scale),
    "money": lambda column: numbers.numeric_adapter((19, 2)),
    "bool": lambda column: numbers.boolean_adapter(),
    "date": lambda column: times.date_adapter(),
    "time": lambda column: times.time_adapter(column.fraction_digits, zoned=False),
    "timetz": lambda column: times.time_adapter(column.fraction_digits, zoned=True),
    "timestamp": lambda column: times.timestamp_adapter(column.fraction_digits, zoned=False),
    "timestamptz": lambda column: times.timestamp_adapter(column.fraction_digits, zoned=True),
    "interval": lambda column: times.interval_adapter(column.fraction_digits),
    "uuid": lambda column: texts.uuid_adapter(),
    "name": lambda column: texts.narrow_adapter(63),
    "char": lambda column: texts.narrow_adapter(1),
    "bytea": lambda column: texts.bytes_adapter(required=column.required and not column.element),
}

_GEOMETRIC = frozenset({"point", "line", "lseg", "box", "path", "polygon", "circle"})


def adapter_for(column: Column, *, max_depth: int) -> Adapter:
    """Return the adapter of a column's type; domains are judged by what lies below them."""
    if column.kind == "array":
        return structures.array_adapter(_element_adapter(column, max_depth), str(column.element))
    if column.kind == "enum":
        return texts.enum_adapter(column.labels or (), required=column.required)
    return _plain_adapter(column, column.kind, required=column.required, max_depth=max_depth)


def _element_adapter(column: Column, max_depth: int) -> Adapter:
    if column.element_kind == "enum":
        return texts.enum_adapter(column.labels or ())
    adapter = _plain_adapter(column, column.element_kind, required=False, max_depth=max_depth)
    return structures.hex_elements(adapter) if column.element == "bytea" else adapter


def _plain_adapter(column: Column, kind: str | None, *, required: bool, max_depth: int) -> Adapter:
    type_name = _type_of(column)
    if type_name in {"json", "jsonb"}:
        return structures.json_adapter(max_depth, required=required)
    if kind == "text" and type_name not in _adapters:
        return texts.text_adapter(column.max_length, required=required)
    if type_name in _adapters:
        return _adapters[type_name](column)
    opaque = texts.opaque_adapter(column.type, required=required)
    return floats.geometry_adapter(opaque) if type_name in _GEOMETRIC else opaque


def _type_of(column: Column) -> str:
    return column.element or column.base
