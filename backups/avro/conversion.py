"""Values of other tools' Avro files as the JSON that ingest validates; converted exactly or not.

What a column cannot hold exactly is passed on in a form that ingest rejects.
"""

import base64
import math
import struct
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from backups.errors import FileRefused

Convert = Callable[[Any], Any]

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  (the offset is added where the type has one)
_DAY_US = 86_400_000_000
_MAX_SCALE = 1000
_DURATION = struct.Struct("<III")
_INTEGERS = {"int2", "int4", "int8"}
_MAX_INTEGER = 2.0**63


def choose_converter(avro_type: Mapping[str, Any]) -> Convert | None:
    """Return what turns a logical type's values into text (Avro 1.12, Logical Types).

    None where the logical type is unknown, or does not annotate that underlying type.
    """
    logical, base = avro_type.get("logicalType"), avro_type.get("type")
    if not isinstance(logical, str) or not isinstance(base, str):
        return None
    if logical == "decimal" and base in {"bytes", "fixed"}:
        return _decimal(avro_type.get("scale", 0))
    if base == "fixed" and avro_type.get("size") != _FIXED_SIZES.get(logical):
        return None
    return _LOGICAL.get((base, logical))


def column_converter(base: str | None) -> Convert:
    """Return what makes JSON of a value for a column of a type, as pg_type names it.

    None for a value that no column takes.
    """
    if base in _INTEGERS:
        return lambda value: int(value) if _is_whole(value) else to_json(value)
    if base == "float4":
        return lambda value: to_json(value) if _is_single(value) else f"{value!r} as a real"
    if base is None or base == "bytea" or base.startswith("_"):  # arrays are called _text
        return to_json
    # Base64 is text too: a text column must not store bytes as if they had been text.
    return lambda value: {"bytes": to_json(value)} if isinstance(value, bytes) else to_json(value)


def to_json(value: Any) -> Any:
    """Return a value as JSON has it; bytes are base64, numbers that are not finite their names."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, list):
        return [to_json(one) for one in value]
    if isinstance(value, dict):
        return {key: to_json(one) for key, one in value.items()}
    return value


def _is_whole(value: Any) -> bool:
    return isinstance(value, float) and abs(value) < _MAX_INTEGER and value.is_integer()


def _is_single(value: Any) -> bool:
    """Return whether a number, where it is a float, has no more digits than four bytes hold."""
    if not isinstance(value, float) or not math.isfinite(value):
        return True
    try:
        return bool(struct.unpack("<f", struct.pack("<f", value))[0] == value)
    except OverflowError:
        return False


def _decimal(scale: Any) -> Convert:
    if not isinstance(scale, int) or not 0 <= scale <= _MAX_SCALE:
        raise FileRefused("A decimal in the file's schema has no usable scale")

    def convert(value: bytes) -> str:
        number = int.from_bytes(value, "big", signed=True)
        # Made of its digits: arithmetic would round to those of the context.
        sign, digits, _ = Decimal(number).as_tuple()
        return format(Decimal((sign, digits, -scale)), "f")

    return convert


def _date(days: int) -> str:
    try:
        return (date(1970, 1, 1) + timedelta(days=days)).isoformat()
    except OverflowError:
        return f"{days} days after 1970-01-01"


def _moment(units_a_second: int, offset: str) -> Convert:
    digits = len(str(units_a_second)) - 1

    def convert(number: int) -> str:
        seconds, rest = divmod(number, units_a_second)
        try:
            moment = _EPOCH + timedelta(seconds=seconds)
        except OverflowError:
            return f"{number}/{units_a_second} seconds after 1970-01-01"
        fraction = f"{rest:0{digits}}".rstrip("0")  # more than six digits are rejected by ingest
        return f"{moment.isoformat()}{'.' if fraction else ''}{fraction}{offset}"

    return convert


def _time(unit_us: int) -> Convert:
    def convert(number: int) -> str:
        if not 0 <= number * unit_us < _DAY_US:
            return f"{number * unit_us} microseconds after midnight"
        return (_EPOCH + timedelta(microseconds=number * unit_us)).time().isoformat()

    return convert


def _duration(value: bytes) -> str:
    months, days, milliseconds = _DURATION.unpack(value)
    return f"P{months}M{days}DT{milliseconds // 1000}.{milliseconds % 1000:03}S"


_FIXED_SIZES = {"uuid": 16, "duration": _DURATION.size}
_LOGICAL: dict[tuple[str, str], Convert] = {
    ("int", "date"): _date,
    ("int", "time-millis"): _time(1000),
    ("long", "time-micros"): _time(1),
    ("long", "timestamp-millis"): _moment(10**3, "+00:00"),
    ("long", "timestamp-micros"): _moment(10**6, "+00:00"),
    ("long", "timestamp-nanos"): _moment(10**9, "+00:00"),
    ("long", "local-timestamp-millis"): _moment(10**3, ""),
    ("long", "local-timestamp-micros"): _moment(10**6, ""),
    ("long", "local-timestamp-nanos"): _moment(10**9, ""),
    ("fixed", "uuid"): lambda value: str(UUID(bytes=value)),
    ("fixed", "duration"): _duration,
}
